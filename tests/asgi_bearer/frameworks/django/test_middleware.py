"""The middleware of Django: which requests it refuses, and what views find in `request`."""

import json
import logging
from typing import Any

import httpx
import pytest
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.test import Client
from django.urls import path

from asgi_bearer import KeysUnavailable, Presented, Principal
from asgi_bearer.django import BearerRequest, requires
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import MODES, call, site
from tests.support.asgi import challenge_parameters

issuer = FakeIssuer()

SETTING = {
    "VERIFIER": issuer.verifier(),
    "PUBLIC": ["/public", "GET /reads", "/admin/*"],
    "REALM": "contacts",
}


def who(request: BearerRequest) -> HttpResponse:
    return JsonResponse({"subject": request.principal and request.principal.subject})


async def who_async(request: BearerRequest) -> HttpResponse:
    return JsonResponse({"subject": request.principal and request.principal.subject})


@requires()
def token_needed(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def cached_for_all(request: HttpRequest) -> HttpResponse:
    return HttpResponse(headers={"Cache-Control": "public"})


urlpatterns = [
    path("sync", who),
    path("async", who_async),
    path("public", who),
    path("reads", who),
    path("admin/", who),
    path("admin/users", who),
    path("administration", who),
    path("public/needs-token", token_needed),
    path("cached", cached_for_all),
]


class Down:
    """A verifier without keys."""

    async def verify(self, presented: Presented) -> Principal:
        raise KeysUnavailable("the issuer is down", retry_after=7)


pytestmark = pytest.mark.parametrize("mode", MODES)


@pytest.mark.parametrize("view", ["/sync", "/async"])
async def test_a_view_finds_the_principal(mode: str, view: str) -> None:
    with site(urlpatterns, SETTING):
        response = await call(mode, view, issuer.token(sub="alice"))

    assert (response.status_code, response.content) == (200, b'{"subject": "alice"}')


REFUSED = [
    pytest.param({}, 401, None, id="no credentials"),
    pytest.param({"Authorization": "Basic YTpi"}, 401, None, id="another scheme"),
    pytest.param({"Authorization": "Bearer"}, 400, "invalid_request", id="no token"),
    pytest.param({"Authorization": "Bearer a b"}, 400, "invalid_request", id="two words"),
    pytest.param({"Authorization": "Bearer é"}, 400, "invalid_request", id="no b64token"),
    pytest.param({"Authorization": "Bearer a.b.c"}, 401, "invalid_token", id="no JWT"),
    pytest.param({"Authorization": "Bearer a,Bearer b"}, 400, "invalid_request", id="joined"),
]


@pytest.mark.parametrize("view", ["/sync", "/async", "/nowhere", "/administration", "/public/"])
@pytest.mark.parametrize(("headers", "status", "error"), REFUSED)
async def test_a_request_without_a_good_token_is_refused(
    mode: str, view: str, headers: dict[str, str], status: int, error: str | None
) -> None:
    with site(urlpatterns, SETTING):
        response = await call(mode, view, headers=headers)

    parameters = dict(challenge_parameters(response["WWW-Authenticate"]))
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert response["Cache-Control"] == "no-store"
    assert parameters["realm"] == "contacts"
    assert parameters.get("error") == error
    assert json.loads(response.content)["status"] == status


async def test_an_outage_of_the_keys_is_503_and_says_when_to_try_again(mode: str) -> None:
    with site(urlpatterns, {"VERIFIER": Down()}):
        response = await call(mode, "/sync", issuer.token())

    assert (response.status_code, response["Retry-After"]) == (503, "7")
    assert "WWW-Authenticate" not in response


PUBLIC = [
    ("GET", "/public"),
    ("POST", "/public"),
    ("GET", "/reads"),
    ("HEAD", "/reads"),
    ("GET", "/admin/"),
    ("GET", "/admin/users"),
]


@pytest.mark.parametrize(("method", "view"), PUBLIC)
@pytest.mark.parametrize("token", [None, "bad"])
async def test_a_public_request_is_left_alone(
    mode: str, method: str, view: str, token: str | None
) -> None:
    with site(urlpatterns, SETTING):
        response = await call(mode, view, token, method=method)

    assert response.status_code == 200
    assert response.content in (b'{"subject": null}', b"")
    assert "Cache-Control" not in response


NOT_PUBLIC = [("POST", "/reads"), ("GET", "/admin"), ("GET", "/x/../admin/"), ("GET", "//admin/")]


@pytest.mark.parametrize(("method", "view"), NOT_PUBLIC)
async def test_what_only_resembles_a_public_request_is_refused(
    mode: str, method: str, view: str
) -> None:
    with site(urlpatterns, SETTING):
        response = await call(mode, view, method=method)

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("public", "status"), [("/public", 200), ("/pub/*", 401), ("/app/public", 401)]
)
async def test_a_public_path_is_without_the_prefix_of_the_server(
    mode: str, public: str, status: int
) -> None:
    with site(urlpatterns, SETTING | {"PUBLIC": public}):
        if mode == "asgi":
            app: Any = ASGIHandler()
            transport = httpx.ASGITransport(app, root_path="/app")
            async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
                found = (await client.get("/app/public")).status_code
        else:
            found = Client().get("/public", SCRIPT_NAME="/app").status_code

    assert found == status


async def test_a_view_that_needs_a_token_refuses_on_a_public_path(mode: str) -> None:
    with site(urlpatterns, SETTING | {"PUBLIC": ["/public/*"]}):
        response = await call(mode, "/public/needs-token")

    assert response.status_code == 401


async def test_optional_lets_only_requests_without_credentials_pass(mode: str) -> None:
    with site(urlpatterns, SETTING | {"OPTIONAL": True}):
        anonymous = await call(mode, "/sync")
        known = await call(mode, "/sync", issuer.token())
        bad = await call(mode, "/sync", "a.b.c")
        needed = await call(mode, "/public/needs-token")

    assert (anonymous.status_code, anonymous.content) == (200, b'{"subject": null}')
    assert (known.status_code, bad.status_code, needed.status_code) == (200, 401, 401)
    # A cache must not give the response of one client to another.
    assert anonymous["Vary"] == known["Vary"] == "Authorization"
    assert known["Cache-Control"] == "private"
    assert "Cache-Control" not in anonymous


async def test_the_response_to_a_token_is_private_unless_the_view_says_otherwise(mode: str) -> None:
    with site(urlpatterns, SETTING):
        plain = await call(mode, "/sync", issuer.token())
        chosen = await call(mode, "/cached", issuer.token())

    assert (plain["Cache-Control"], chosen["Cache-Control"]) == ("private", "public")


async def test_a_refusal_is_logged_once_with_its_reason(
    mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "asgi_bearer")

    with site(urlpatterns, SETTING):
        await call(mode, "/sync", issuer.token(aud="https://other.example/"))

    ours = [record.getMessage() for record in caplog.records if record.name == "asgi_bearer"]
    assert len(ours) == 1
    assert ours[0].startswith("refused GET /sync: audience_mismatch")


async def test_no_token_is_kept_where_error_reports_look(mode: str) -> None:
    token = issuer.token()
    seen: list[str] = []

    def look(request: HttpRequest) -> HttpResponse:
        kept = dict(vars(request))
        kept.pop("META")
        kept.pop("environ", None)
        kept.pop("headers", None)
        kept.pop("scope", None)
        seen.append(repr(kept))
        return HttpResponse()

    with site([path("", look)], SETTING):
        await call(mode, "/", token)

    assert "alice" in seen[0]
    assert token not in seen[0]
