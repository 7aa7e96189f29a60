"""CSRF: the check stays wherever a session could act, and is not in the way of a token alone."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from django.views.decorators.csrf import csrf_protect

from asgi_bearer.django import requires
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import (
    AUTHENTICATION,
    BEARER,
    CSRF,
    MODES,
    SESSIONS,
    call,
    site,
)

issuer = FakeIssuer()

OURS = {"sessionid": "of the victim"}
OTHERS = {"theme": "dark", "csrftoken": "0" * 32}


def act(request: HttpRequest) -> HttpResponse:
    return HttpResponse("done")


urlpatterns = [
    path("plain", act),
    path("guarded", requires("read:contacts")(act)),
    path("protected", csrf_protect(act)),
    path("public", act),
]

SETTING = {"VERIFIER": issuer.verifier(), "PUBLIC": ["/public"]}
OPTIONAL = {**SETTING, "OPTIONAL": True}

ORDERS = [
    (SESSIONS, CSRF, AUTHENTICATION, BEARER),
    (BEARER, SESSIONS, CSRF, AUTHENTICATION),
]

CASES = [
    # A browser cannot be made to send a token to another site.
    pytest.param(SETTING, "/plain", "good", {}, 200, id="a token alone"),
    pytest.param(SETTING, "/guarded", "good", {}, 200, id="a token alone, scopes"),
    pytest.param(SETTING, "/protected", "good", {}, 200, id="a token alone, csrf_protect"),
    pytest.param(SETTING, "/plain", "good", OTHERS, 200, id="a token, cookies of no session"),
    pytest.param(OPTIONAL, "/plain", "good", {}, 200, id="a token alone, optional"),
    # A view may act for the session of the victim, although the attacker has a token.
    pytest.param(SETTING, "/plain", "good", OURS, 403, id="a token beside a session"),
    pytest.param(OPTIONAL, "/plain", "good", OURS, 403, id="a token beside a session, optional"),
    # A bad token is no way around the check, and never falls back to the session.
    pytest.param(SETTING, "/plain", "bad", OURS, 401, id="a bad token beside a session"),
    pytest.param(OPTIONAL, "/plain", "bad", OURS, 401, id="a bad token, optional"),
    pytest.param(OPTIONAL, "/plain", "bad", {}, 401, id="a bad token alone, optional"),
    # Without a token the check is Django's.
    pytest.param(OPTIONAL, "/plain", None, {}, 403, id="nothing, optional"),
    pytest.param(OPTIONAL, "/plain", None, OURS, 403, id="a session, optional"),
    pytest.param(SETTING, "/plain", None, OURS, 401, id="a session, guarded"),
    pytest.param(SETTING, "/public", None, OURS, 403, id="a session, public"),
    # The middleware does not look at tokens on public paths.
    pytest.param(SETTING, "/public", "good", {}, 403, id="a token, public"),
    pytest.param(SETTING, "/public", "bad", {}, 403, id="a bad token, public"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("order", ORDERS, ids=["last", "first"])
@pytest.mark.parametrize(("setting", "view", "token", "cookies", "status"), CASES)
async def test_a_form_of_another_site_is_stopped_where_a_session_could_act(
    mode: str,
    order: tuple[str, ...],
    setting: dict[str, object],
    view: str,
    token: str | None,
    cookies: dict[str, str],
    status: int,
) -> None:
    tokens = {"good": issuer.token(), "bad": "a.b.c"}
    with site(urlpatterns, setting, middleware=order):
        response = await call(
            mode,
            view,
            tokens[token] if token else None,
            method="POST",
            cookies=cookies,
            check_csrf=True,
        )

    assert response.status_code == status


async def test_a_csrf_token_passes_beside_a_session_and_a_token() -> None:
    cookies = {**OURS, "csrftoken": "0" * 32}
    with site(urlpatterns, SETTING, middleware=ORDERS[0]):
        response = await call(
            "asgi",
            "/plain",
            issuer.token(),
            method="POST",
            cookies=cookies,
            check_csrf=True,
            headers={"X-CSRFToken": "0" * 32},
        )

    assert response.status_code == 200


def test_the_name_of_the_session_cookie_is_that_of_the_settings() -> None:
    with site(urlpatterns, SETTING, middleware=ORDERS[0], SESSION_COOKIE_NAME="mine"):
        http = Client(enforce_csrf_checks=True)
        http.cookies["mine"] = "of the victim"
        response = http.post("/plain", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert response.status_code == 403


def test_a_request_with_a_token_alone_has_no_user_of_a_session() -> None:
    users: list[object] = []

    def look(request: HttpRequest) -> HttpResponse:
        users.append(request.user)
        return HttpResponse()

    with site([path("", look)], SETTING, middleware=ORDERS[0]):
        Client().get("/", headers={"Authorization": f"Bearer {issuer.token()}"})

    assert users == [AnonymousUser()]
