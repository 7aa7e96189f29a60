"""Django REST framework: authentication, permissions, and what its refusals look like."""

import logging
from collections.abc import Sequence
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client, override_settings
from django.urls import path
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import AllowAny, IsAdminUser, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from asgi_bearer import KeysUnavailable, Presented, Principal
from asgi_bearer.django import PrincipalUser, requires
from asgi_bearer.django.rest_framework import (
    BearerAuthentication,
    HasAnyScope,
    HasReadWriteScopes,
    HasScopes,
    Refused,
)
from asgi_bearer.errors import TokenExpired
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import (
    AUTHENTICATION,
    BEARER,
    CSRF,
    MODES,
    SESSIONS,
    call,
    migrate,
    site,
)
from tests.support.asgi import challenge_parameters

issuer = FakeIssuer()
SETTING = {"VERIFIER": issuer.verifier(), "REALM": "contacts"}


class Who(APIView):
    """Answers with the kinds of user and credentials."""

    authentication_classes: Sequence[Any] = (BearerAuthentication,)
    permission_classes: Sequence[Any] = (HasScopes("read:contacts"),)

    def answer(self, request: Request) -> Response:
        return Response([str(request.user), type(request.auth).__name__])

    get = post = delete = answer


class WhoHasAny(Who):
    permission_classes = (HasAnyScope("read:contacts", "write:contacts"),)


class WhoReadsOrWrites(Who):
    permission_classes = (HasReadWriteScopes("read:contacts", write="write:contacts"),)


class Authenticated(Who):
    permission_classes: Sequence[Any] = (IsAuthenticated,)


class Open(Who):
    permission_classes = (AllowAny,)


class SessionFirst(Who):
    authentication_classes = (SessionAuthentication, BearerAuthentication)


class SessionSecond(Authenticated):
    authentication_classes = (BearerAuthentication, SessionAuthentication)


class OnlySession(Authenticated):
    authentication_classes = (SessionAuthentication,)


class StaffOrToken(SessionSecond):
    permission_classes = (HasScopes("read:contacts") | IsAdminUser,)


class AnyOrStaff(SessionSecond):
    permission_classes = (HasAnyScope("read:contacts") | IsAdminUser,)


class BothScopes(Who):
    permission_classes = (HasScopes("read:contacts") & ~HasScopes("banned"),)


urlpatterns = [
    path("who", Who.as_view()),
    path("any", WhoHasAny.as_view()),
    path("read-or-write", WhoReadsOrWrites.as_view()),
    path("authenticated", Authenticated.as_view()),
    path("open", Open.as_view()),
    path("session-first", SessionFirst.as_view()),
    path("session-second", SessionSecond.as_view()),
    path("only-session", OnlySession.as_view()),
    path("staff-or-token", StaffOrToken.as_view()),
    path("any-or-staff", AnyOrStaff.as_view()),
    path("both", BothScopes.as_view()),
    path("requires", requires("read:contacts")(Authenticated.as_view())),
]


def json(response: Any) -> Any:
    return response.json()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("middleware", [(), (BEARER,)], ids=["alone", "behind the middleware"])
async def test_a_view_finds_user_and_principal(mode: str, middleware: tuple[str, ...]) -> None:
    with site(urlpatterns, SETTING, middleware=middleware):
        response = await call(mode, "/who", issuer.token(sub="alice"))

    assert json(response) == ["https://issuer.example/ alice", "Principal"]


REFUSED = [
    pytest.param({}, 401, None, id="no credentials"),
    pytest.param({"Authorization": "Basic YTpi"}, 401, None, id="another scheme"),
    pytest.param({"Authorization": "Bearer"}, 400, "invalid_request", id="no token"),
    pytest.param({"Authorization": "Bearer a.b.c"}, 401, "invalid_token", id="no JWT"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/who", "/session-first"])
@pytest.mark.parametrize(("headers", "status", "error"), REFUSED)
async def test_a_request_without_a_good_token_is_refused(
    mode: str, view: str, headers: dict[str, str], status: int, error: str | None
) -> None:
    with site(urlpatterns, SETTING, middleware=()):
        response = await call(mode, view, headers=headers)

    parameters = dict(challenge_parameters(response["WWW-Authenticate"]))
    assert response.status_code == status
    assert (parameters["realm"], parameters.get("error")) == ("contacts", error)
    assert (json(response)["status"], json(response).get("error")) == (status, error)


def test_the_permissions_of_the_framework_refuse_with_the_challenge() -> None:
    with site(urlpatterns, SETTING, middleware=()):
        response = Client().get("/authenticated")

    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="contacts"'


def test_a_bad_token_is_refused_where_anyone_may_pass() -> None:
    with site(urlpatterns, SETTING, middleware=()):
        anonymous = Client().get("/open")
        bad = Client().get("/open", headers={"Authorization": "Bearer a.b.c"})

    assert (anonymous.status_code, bad.status_code) == (200, 401)
    assert json(anonymous) == ["AnonymousUser", "NoneType"]


@pytest.mark.parametrize(
    ("method", "view", "scope", "status", "named"),
    [
        ("GET", "/who", "read:contacts", 200, None),
        ("GET", "/who", "other", 403, "read:contacts"),
        ("GET", "/any", "write:contacts", 200, None),
        ("GET", "/any", "other", 403, "read:contacts write:contacts"),
        ("GET", "/read-or-write", "read:contacts", 200, None),
        ("OPTIONS", "/read-or-write", "read:contacts", 200, None),
        ("POST", "/read-or-write", "read:contacts", 403, "write:contacts"),
        ("DELETE", "/read-or-write", "write:contacts", 200, None),
        ("GET", "/read-or-write", "write:contacts", 403, "read:contacts"),
        ("GET", "/staff-or-token", "read:contacts", 200, None),
        ("GET", "/staff-or-token", "other", 403, None),
        ("GET", "/any-or-staff", "read:contacts", 200, None),
        ("GET", "/any-or-staff", "other", 403, None),
        ("GET", "/both", "read:contacts", 200, None),
        ("GET", "/both", "read:contacts banned", 403, None),
        ("GET", "/both", None, 403, None),
    ],
)
def test_a_permission_asks_for_scopes(
    method: str, view: str, scope: str | None, status: int, named: str | None
) -> None:
    with site(urlpatterns, SETTING, middleware=()):
        headers = {"Authorization": f"Bearer {issuer.token(scope=scope)}"}
        response = Client().generic(method, view, headers=headers)

    challenge = response.get("WWW-Authenticate", "")
    assert response.status_code == status
    assert (f'scope="{named}"' in challenge) if named else not challenge


HANDLER = {"EXCEPTION_HANDLER": "asgi_bearer.django.rest_framework.exception_handler"}


@pytest.mark.parametrize(
    ("view", "authorization", "status"),
    [
        ("/who", None, 401),
        ("/who", "Bearer a.b.c", 401),
        ("/who", "Bearer", 400),
        ("/who", f"Bearer {issuer.token(scope='other')}", 403),
        ("/session-first", None, 401),
        pytest.param("/authenticated", None, 401, id="a permission of the framework"),
    ],
)
def test_the_exception_handler_sends_the_response_of_the_guard(
    view: str, authorization: str | None, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "asgi_bearer")
    with site(urlpatterns, SETTING, middleware=(), REST_FRAMEWORK=HANDLER):
        headers = {"Authorization": authorization} if authorization else {}
        response = Client().get(view, headers=headers)

    assert (response.status_code, json(response)["status"]) == (status, status)
    assert response["WWW-Authenticate"].startswith('Bearer realm="contacts"')
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert response["Access-Control-Expose-Headers"] == "WWW-Authenticate"
    assert caplog.text.count("refused GET") == 1


@pytest.mark.parametrize("view", ["/session-second", "/only-session"])
def test_the_exception_handler_leaves_other_exceptions_to_the_framework(view: str) -> None:
    with site(urlpatterns, SETTING, middleware=FULL, REST_FRAMEWORK=HANDLER):
        forbidden = session_client().post(view)
        no_session = Client().get("/only-session")

    assert (forbidden.status_code, no_session.status_code) == (403, 403)
    assert "CSRF" in json(forbidden)["detail"]
    assert json(no_session) == {"detail": "Authentication credentials were not provided."}


class Down:
    """A verifier without keys."""

    async def verify(self, presented: Presented) -> Principal:
        raise KeysUnavailable("the issuer is down", retry_after=6.5)


@pytest.mark.parametrize("view", ["/who", "/open", "/session-first"])
def test_an_outage_of_the_keys_is_503_and_says_when_to_try_again(view: str) -> None:
    headers = {"Authorization": f"Bearer {issuer.token()}"}
    with site(urlpatterns, {"VERIFIER": Down()}, middleware=()):
        response = Client().get(view, headers=headers)
        with override_settings(REST_FRAMEWORK=HANDLER):
            handled = Client().get(view, headers=headers)

    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert (handled.status_code, handled["Retry-After"]) == (503, "7")
    assert handled["Access-Control-Expose-Headers"] == "Retry-After"
    assert "WWW-Authenticate" not in {**response.headers, **handled.headers}


class Staff(PrincipalUser):
    """The user of the application."""

    is_staff = True

    def __str__(self) -> str:
        return "staff"


def no_user(principal: Principal) -> None:
    return None


def test_user_is_what_the_setting_returns() -> None:
    with site(urlpatterns, {**SETTING, "USER": Staff}, middleware=()):
        user = Client().get("/who", headers={"Authorization": f"Bearer {issuer.token()}"})
    with site(urlpatterns, {**SETTING, "USER": no_user}, middleware=()):
        none = Client().get("/open", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert json(user) == ["staff", "Principal"]
    assert none.status_code == 403


def test_the_user_is_looked_up_once_behind_the_middleware() -> None:
    seen: list[Principal] = []

    def find(principal: Principal) -> object:
        seen.append(principal)
        return Staff(principal)

    with site(urlpatterns, {**SETTING, "USER": find}):
        response = Client().get("/who", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert json(response) == ["staff", "Principal"]
    assert len(seen) == 1


def session_client() -> Client:
    migrate()
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.get_or_create(username="admin", is_staff=True)[0])
    return client


FULL = (SESSIONS, CSRF, AUTHENTICATION)


@pytest.mark.parametrize(
    ("view", "method", "token", "expected"),
    [
        # The session has no scopes, and a token beside it is not looked at.
        ("/session-first", "GET", None, 401),
        ("/session-first", "GET", "good", 401),
        ("/session-first", "POST", "good", 403),
        ("/session-second", "GET", None, ["admin", "NoneType"]),
        ("/session-second", "GET", "good", ["https://issuer.example/ alice", "Principal"]),
        ("/session-second", "POST", "good", ["https://issuer.example/ alice", "Principal"]),
        ("/session-second", "GET", "bad", 401),
        ("/session-second", "POST", "bad", 401),
        ("/session-second", "POST", None, 403),
        ("/staff-or-token", "GET", None, ["admin", "NoneType"]),
        ("/any-or-staff", "GET", None, ["admin", "NoneType"]),
    ],
)
def test_a_session_beside_a_token(view: str, method: str, token: str | None, expected: Any) -> None:
    tokens = {"good": issuer.token(), "bad": "a.b.c"}
    with site(urlpatterns, SETTING, middleware=FULL):
        headers = {"Authorization": f"Bearer {tokens[token]}"} if token else {}
        response = session_client().generic(method, view, headers=headers)

    if isinstance(expected, int):
        assert response.status_code == expected
    else:
        assert json(response) == expected


def test_the_scopes_of_a_token_are_not_those_of_a_session_beside_it() -> None:
    setting = {**SETTING, "OPTIONAL": True}
    with site(urlpatterns, setting, middleware=(*FULL, BEARER)):
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        response = session_client().get("/session-first", headers=headers)

    assert response.status_code == 401


def test_behind_the_middleware_a_session_still_needs_its_csrf_token() -> None:
    setting = {**SETTING, "OPTIONAL": True}
    with site(urlpatterns, setting, middleware=(*FULL, BEARER)):
        client = session_client()
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        session = client.post("/session-first", headers=headers)

    assert session.status_code == 403
    assert "CSRF" in json(session)["detail"]


def test_requires_protects_a_view_of_the_framework() -> None:
    with site(urlpatterns, SETTING):
        good = Client().get("/requires", headers={"Authorization": f"Bearer {issuer.token()}"})
        wrong = {"Authorization": f"Bearer {issuer.token(scope='other')}"}
        without = Client().get("/requires", headers=wrong)

    assert (good.status_code, without.status_code) == (200, 403)


def test_a_refusal_has_the_details_of_an_exception_of_the_framework() -> None:
    refused = Refused(TokenExpired("it ended"), "api")

    assert refused.get_codes() == "token_expired"
    assert refused.get_full_details() == {
        "message": "The access token has expired.",
        "code": "token_expired",
    }


def test_names_that_are_no_scopes_are_refused() -> None:
    with pytest.raises(ValueError, match="not one scope name"):
        HasScopes("read contacts")
    with pytest.raises(ValueError, match="at least one scope"):
        HasAnyScope()
