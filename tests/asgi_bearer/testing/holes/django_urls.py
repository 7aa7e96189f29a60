"""URLs of Django with holes, for each way in which views are written."""

import functools
from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import RedirectView
from django.views.static import serve

from asgi_bearer.django import requires, requires_any
from tests.asgi_bearer.testing.holes.planted import must_not_run


def page() -> Any:
    async def view(request: HttpRequest, **_arguments: Any) -> NoReturn:
        must_not_run()

    return view


def sync_page() -> Any:
    def view(request: HttpRequest, *_args: Any, **_arguments: Any) -> NoReturn:
        must_not_run()

    return view


def bypassed(view: Any) -> Any:
    """Decorate a view and return the undecorated one, as a route does that stands below."""
    requires("read:x")(view)
    return view


def forgiving(view: Any) -> Any:
    """A decorator that answers a refusal with data."""

    @functools.wraps(view)
    def wrapper(request: HttpRequest) -> HttpResponse:
        response: HttpResponse = view(request)
        return HttpResponse(b"data") if response.status_code == 403 else response

    return wrapper


class Methods(View):
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()

    def post(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class HalfGuarded(View):
    @method_decorator(requires("read:x"))
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()

    def delete(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class Relaxed(HalfGuarded):
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class ManyScopes(View):
    @method_decorator([requires("read:x"), requires("read:y")])
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()

    @method_decorator(requires("write:x"))
    @method_decorator(requires("write:y"))
    def post(self, request: HttpRequest) -> NoReturn:
        must_not_run()


@method_decorator(requires("read:x"), name="dispatch")
class Dispatched(View):
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()

    def post(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class Overridden(Dispatched):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(b"data")


class Extended(Dispatched):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


@requires("read:x")
class Guarded(View):
    async def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class Inherited(Guarded):
    """Overrides `dispatch`, in front of which the decorator of the class stands all the same."""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> NoReturn:
        must_not_run()


class OwnOptions(View):
    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> NoReturn:
        must_not_run()


def missing(request: HttpRequest, exception: Exception) -> HttpResponse:
    return HttpResponse(b"There is nothing here.", status=404)


handler404 = missing

nested: list[Any] = [
    path("closed/", requires("read:x")(page())),
    path("open/<slug:name>/", page()),
    re_path(r"^legacy/(?P<year>[0-9]{4})/$", sync_page()),
    re_path(r"^legacy/([a-z]+)/closed$", requires("read:x")(sync_page())),
]

urlpatterns: list[Any] = [
    path("healthz", page()),
    path("no-scopes", require_GET(sync_page())),
    path("wrong-order", require_GET(bypassed(sync_page()))),
    path("forgiving", forgiving(requires("read:x")(sync_page()))),
    path("numbers/<int:number>", require_GET(sync_page())),
    path("uuids/<uuid:item>/<path:rest>", require_GET(sync_page())),
    path("methods", Methods.as_view()),
    path("half", HalfGuarded.as_view()),
    path("relaxed", Relaxed.as_view()),
    path("overridden", Overridden.as_view()),
    path("own-options", OwnOptions.as_view()),
    path("moved", RedirectView.as_view(url="/healthz")),
    path("posted", require_http_methods(["POST"])(csrf_exempt(page()))),
    path("part/", include(nested)),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": "."}),
    path("scoped", requires("read:x")(page())),
    path("scoped-any", requires_any("read:x", "read:y")(page())),
    path("scoped-sync", require_GET(requires("read:x")(sync_page()))),
    path("scoped-outside", requires("read:x")(require_GET(sync_page()))),
    path("scoped-post", csrf_exempt(requires("read:x")(sync_page()))),
    path("scoped/<str:name>", requires("read:x")(page())),
    path("many-scopes", ManyScopes.as_view()),
    path("dispatched", Dispatched.as_view()),
    path("extended", Extended.as_view()),
    path("class", Guarded.as_view()),
    path("inherited", Inherited.as_view()),
]
