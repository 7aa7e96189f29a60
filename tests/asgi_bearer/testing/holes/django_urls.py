"""URLs of Django with holes, for each way in which views are written."""

from typing import Any, NoReturn

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods
from django.views.generic import RedirectView
from django.views.static import serve

from tests.asgi_bearer.testing.holes.checks import checked
from tests.asgi_bearer.testing.holes.planted import must_not_run


def respond(refused: Any) -> HttpResponse:
    headers = {name.decode(): value.decode() for name, value in refused.headers}
    return HttpResponse(refused.body, status=refused.status, headers=headers)


def scope_of(*args: Any) -> Any:
    return next(arg.scope for arg in args if hasattr(arg, "scope"))


def requires(*scopes: str) -> Any:
    return checked(respond, scope_of, *scopes)


def page() -> Any:
    async def view(request: HttpRequest, **_arguments: Any) -> NoReturn:
        must_not_run()

    return view


def sync_page() -> Any:
    def view(request: HttpRequest, *_args: Any, **_arguments: Any) -> NoReturn:
        must_not_run()

    return view


def bypassed(view: Any) -> Any:
    requires("read:x")(view)
    return view


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


@method_decorator(requires("read:x"), name="dispatch")
class Guarded(View):
    def get(self, request: HttpRequest) -> NoReturn:
        must_not_run()

    def post(self, request: HttpRequest) -> NoReturn:
        must_not_run()


class Overridden(Guarded):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse(b"data")


class Extended(Guarded):
    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


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
    path("numbers/<int:number>", require_GET(sync_page())),
    path("uuids/<uuid:item>/<path:rest>", require_GET(sync_page())),
    path("methods", Methods.as_view()),
    path("half", HalfGuarded.as_view()),
    path("overridden", Overridden.as_view()),
    path("own-options", OwnOptions.as_view()),
    path("moved", RedirectView.as_view(url="/healthz")),
    path("posted", require_http_methods(["POST"])(csrf_exempt(page()))),
    path("part/", include(nested)),
    re_path(r"^static/(?P<path>.*)$", serve, {"document_root": "."}),
    path("scoped", requires("read:x")(page())),
    path("scoped-sync", require_GET(requires("read:x")(sync_page()))),
    path("scoped-outside", requires("read:x")(require_GET(sync_page()))),
    path("scoped-post", csrf_exempt(requires("read:x")(sync_page()))),
    path("scoped/<str:name>", requires("read:x")(page())),
    path("class", Guarded.as_view()),
    path("extended", Extended.as_view()),
]
