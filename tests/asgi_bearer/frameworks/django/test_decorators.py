"""Scopes per view in Django: functions, methods and class views, sync and async."""

import json
from typing import Any, cast

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from asgi_bearer.django import GuardedRequest, requires, requires_any
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import CSRF, MODES, call, site
from tests.support.asgi import challenge_parameters

issuer = FakeIssuer()
SETTING = {"VERIFIER": issuer.verifier()}
needs = requires("read:contacts")


@needs
def function(request: GuardedRequest) -> HttpResponse:
    """Answers with the subject."""
    return HttpResponse(request.principal.subject or "")


@needs
async def async_function(request: GuardedRequest) -> HttpResponse:
    return HttpResponse(request.principal.subject or "")


@requires("write:contacts", "read:contacts")
def both(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@requires_any("write:contacts", "read:contacts")
def either(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


@requires()
def any_token(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


class Plain(View):
    def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return HttpResponse("sync")


class Async(View):
    async def get(self, request: HttpRequest, **kwargs: str) -> HttpResponse:
        return HttpResponse("async")


@needs
class Decorated(Plain):
    pass


@needs
class AsyncDecorated(Async):
    pass


class Subclass(Decorated):
    """Overrides what the decorator of the base class might have wrapped."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return HttpResponse("open")


@method_decorator(needs, name="dispatch")
class Dispatch(Plain):
    pass


@method_decorator(needs, name="dispatch")
class AsyncDispatch(Async):
    pass


class Method(View):
    @method_decorator(needs)
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


class AsyncMethod(View):
    @method_decorator(needs)
    async def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse()


urlpatterns = [
    path("function", function),
    path("async-function", async_function),
    path("wrapped-as-view", needs(Plain.as_view())),
    path("wrapped-async-as-view", needs(Async.as_view())),
    path("decorated/<name>", Decorated.as_view()),
    path("async-decorated/<name>", AsyncDecorated.as_view()),
    path("subclass", Subclass.as_view()),
    path("dispatch", Dispatch.as_view()),
    path("async-dispatch", AsyncDispatch.as_view()),
    path("method", Method.as_view()),
    path("async-method", AsyncMethod.as_view()),
    path("both", both),
    path("either", either),
    path("any", any_token),
    path("exempt", csrf_exempt(needs(Plain.as_view()))),
    path("exempt-below", needs(csrf_exempt(Plain.as_view()))),
]

VIEWS = [
    "/function",
    "/async-function",
    "/wrapped-as-view",
    "/wrapped-async-as-view",
    "/decorated/x",
    "/async-decorated/x",
    "/subclass",
    "/dispatch",
    "/async-dispatch",
    "/method",
    "/async-method",
    "/exempt",
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", VIEWS)
async def test_a_view_asks_for_its_scope(mode: str, view: str) -> None:
    with site(urlpatterns, SETTING | {"OPTIONAL": True}):
        good = await call(mode, view, issuer.token())
        without = await call(mode, view, issuer.token(scope="other"))
        anonymous = await call(mode, view)

    assert (good.status_code, without.status_code, anonymous.status_code) == (200, 403, 401)
    assert challenge_parameters(without["WWW-Authenticate"]) == [
        ("realm", "api"),
        ("error", "insufficient_scope"),
        ("error_description", "The access token lacks a scope that this request needs."),
        ("scope", "read:contacts"),
    ]
    assert json.loads(without.content)["error"] == "insufficient_scope"
    assert "error" not in json.loads(anonymous.content)


@pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS", "TRACE", "QUERY"])
@pytest.mark.parametrize("view", ["/decorated/x", "/async-dispatch", "/function"])
async def test_each_method_asks_for_the_scope(view: str, method: str) -> None:
    with site(urlpatterns, SETTING):
        response = await call("asgi", view, issuer.token(scope="other"), method=method)

    assert response.status_code == 403


@pytest.mark.parametrize(
    ("view", "scope", "status"),
    [
        ("/both", "read:contacts", 403),
        ("/both", "read:contacts write:contacts", 200),
        ("/either", "read:contacts", 200),
        ("/either", "other", 403),
        ("/any", None, 200),
    ],
)
def test_all_or_any_of_the_scopes(view: str, scope: str | None, status: int) -> None:
    with site(urlpatterns, SETTING):
        headers = {"Authorization": f"Bearer {issuer.token(scope=scope)}"}
        response = Client().get(view, headers=headers)

    assert response.status_code == status


def test_a_wrapped_view_keeps_its_name_and_its_marks() -> None:
    assert function.__doc__ == "Answers with the subject."
    assert Decorated.as_view().__dict__["view_class"] is Decorated
    with site(urlpatterns, SETTING, middleware=["asgi_bearer.django.BearerMiddleware", CSRF]):
        client = Client(enforce_csrf_checks=True)
        client.cookies["sessionid"] = "x"
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        response = client.post("/exempt-below", headers=headers)

    assert response.status_code == 405


@pytest.mark.parametrize("view", ["/function", "/async-decorated/x"])
async def test_without_a_middleware_the_view_is_closed(view: str) -> None:
    with site(urlpatterns, SETTING, middleware=[]):
        client = AsyncClient(raise_request_exception=False)
        response = await client.get(view, headers={"Authorization": f"Bearer {issuer.token()}"})

    assert response.status_code == 500


def test_names_that_are_no_scopes_are_refused() -> None:
    with pytest.raises(ValueError, match="not one scope name"):
        requires("read contacts")
    with pytest.raises(ValueError, match="at least one scope"):
        requires_any()


def test_a_class_that_is_no_view_cannot_be_protected() -> None:
    with pytest.raises(TypeError, match="as_view"):
        needs(cast("Any", dict))
