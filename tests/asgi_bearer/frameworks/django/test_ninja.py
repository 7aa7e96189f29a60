"""django-ninja: `auth=BearerAuth(...)` in sync and async operations, and its OpenAPI document."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.urls import path
from ninja import NinjaAPI
from ninja.security import APIKeyHeader

from asgi_bearer import KeysUnavailable, Presented, Principal
from asgi_bearer.django import GuardedRequest, PrincipalUser
from asgi_bearer.django.ninja import BearerAuth, BearerNinjaAPI
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import BEARER, MODES, call, site
from tests.support.asgi import challenge_parameters

issuer = FakeIssuer()
SETTING = {"VERIFIER": issuer.verifier(), "REALM": "contacts"}


class Key(APIKeyHeader):
    """Other credentials."""

    param_name = "X-Key"

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:
        return "the key" if key == "right" else None


def routes(api: NinjaAPI) -> NinjaAPI:
    """Add the operations, each of them sync and async."""
    needs = BearerAuth("read:contacts")
    either = BearerAuth("read:contacts", "write:contacts", any_of=True)
    for name, auth in {"who": needs, "either": either, "any": BearerAuth()}.items():
        api.get(f"/{name}", auth=auth, operation_id=name)(who)
        api.get(f"/async/{name}", auth=auth, operation_id=f"async-{name}")(who_async)
    api.get("/key", auth=[needs, Key()], operation_id="key")(kind)
    api.get("/only-key", auth=Key(), operation_id="only-key")(kind)
    api.get("/open", operation_id="open")(kind)
    api.get("/function", auth=[needs, by_function], operation_id="function")(kind)
    return api


def who(request: GuardedRequest) -> list[str]:
    auth: Any = request
    return [
        str(request.principal.subject),
        type(auth.auth).__name__,
        str(getattr(request, "user", None)),
    ]


async def who_async(request: GuardedRequest) -> list[str]:
    return who(request)


def kind(request: HttpRequest) -> str:
    return type(getattr(request, "auth", None)).__name__


def by_function(request: HttpRequest) -> str | None:
    return None


def urlpatterns(make: Callable[[], NinjaAPI] = BearerNinjaAPI) -> list[Any]:
    return [path("api/", routes(make()).urls)]


def json(response: Any) -> Any:
    return response.json()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/api/who", "/api/async/who"])
@pytest.mark.parametrize("middleware", [(), (BEARER,)], ids=["alone", "behind the middleware"])
async def test_an_operation_finds_the_principal(
    mode: str, view: str, middleware: tuple[str, ...]
) -> None:
    setting = {**SETTING, "USER": PrincipalUser}
    with site([], setting), site(urlpatterns(), setting, middleware=middleware):
        response = await call(mode, view, issuer.token(sub="alice"))

    assert json(response) == ["alice", "Principal", "https://issuer.example/ alice"]


REFUSED = [
    pytest.param({}, 401, None, id="no credentials"),
    pytest.param({"Authorization": "Basic YTpi"}, 401, None, id="another scheme"),
    pytest.param({"Authorization": "Bearer"}, 400, "invalid_request", id="no token"),
    pytest.param({"Authorization": "Bearer a.b.c"}, 401, "invalid_token", id="no JWT"),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/api/who", "/api/async/who", "/api/key"])
@pytest.mark.parametrize(("headers", "status", "error"), REFUSED)
async def test_a_request_without_a_good_token_is_refused(
    mode: str, view: str, headers: dict[str, str], status: int, error: str | None
) -> None:
    with site([], SETTING), site(urlpatterns(), SETTING, middleware=()):
        response = await call(mode, view, headers=headers)

    parameters = dict(challenge_parameters(response["WWW-Authenticate"]))
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert (parameters["realm"], parameters.get("error")) == ("contacts", error)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind_of_view", ["", "async/"])
@pytest.mark.parametrize(
    ("view", "scope", "status", "named"),
    [
        ("who", "other", 403, "read:contacts"),
        ("either", "write:contacts", 200, None),
        ("either", "other", 403, "read:contacts write:contacts"),
        ("any", None, 200, None),
    ],
)
async def test_an_operation_asks_for_its_scopes(
    mode: str, kind_of_view: str, view: str, scope: str | None, status: int, named: str | None
) -> None:
    with site([], SETTING), site(urlpatterns(), SETTING, middleware=()):
        response = await call(mode, f"/api/{kind_of_view}{view}", issuer.token(scope=scope))

    challenge = response.get("WWW-Authenticate", "")
    assert response.status_code == status
    assert (f'scope="{named}"' in challenge) if named else not challenge


class Down:
    """A verifier without keys."""

    async def verify(self, presented: Presented) -> Principal:
        raise KeysUnavailable("the issuer is down", retry_after=7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("view", ["/api/who", "/api/async/who"])
async def test_an_outage_of_the_keys_is_503(mode: str, view: str) -> None:
    with site([], {"VERIFIER": Down()}), site(urlpatterns(), {"VERIFIER": Down()}, middleware=()):
        response = await call(mode, view, issuer.token())

    assert (response.status_code, response["Retry-After"]) == (503, "7")


@pytest.mark.parametrize(
    ("view", "headers", "status"),
    [
        ("/api/key", {"X-Key": "right"}, 200),
        ("/api/key", {"X-Key": "wrong"}, 401),
        ("/api/key", {"X-Key": "right", "Authorization": "Bearer a.b.c"}, 401),
        ("/api/only-key", {"X-Key": "right"}, 200),
        ("/api/open", {}, 200),
        ("/api/function", {}, 401),
    ],
)
async def test_other_credentials_beside_a_token(
    view: str, headers: dict[str, str], status: int
) -> None:
    with site([], SETTING), site(urlpatterns(), SETTING, middleware=()):
        response = await call("wsgi", view, headers=headers)

    assert response.status_code == status


async def test_an_operation_without_a_bearer_has_no_bearer_challenge() -> None:
    with site([], SETTING), site(urlpatterns(), SETTING, middleware=()):
        response = await call("wsgi", "/api/only-key")

    assert (response.status_code, json(response)) == (401, {"detail": "Unauthorized"})
    assert "WWW-Authenticate" not in response


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer a.b.c"}, 401),
        ({"Authorization": f"Bearer {issuer.token(scope='other')}"}, 403),
    ],
)
async def test_a_plain_api_refuses_with_the_same_status(
    headers: dict[str, str], status: int
) -> None:
    with site([], SETTING), site(urlpatterns(NinjaAPI), SETTING, middleware=()):
        response = await call("wsgi", "/api/who", headers=headers)

    assert response.status_code == status


async def test_the_openapi_document_names_scheme_scopes_and_refusals() -> None:
    with site([], SETTING), site(urlpatterns(), SETTING, middleware=()):
        document = json(await call("wsgi", "/api/openapi.json"))

    operations = {
        key.removeprefix("/api"): value["get"] for key, value in document["paths"].items()
    }
    security = {key: operation.get("security") for key, operation in operations.items()}
    assert document["components"]["securitySchemes"]["BearerAuth"] == {
        "type": "http",
        "scheme": "bearer",
    }
    assert security["/who"] == [{"BearerAuth": ["read:contacts"]}]
    assert security["/any"] == [{"BearerAuth": []}]
    assert security["/either"] == [
        {"BearerAuth": ["read:contacts"]},
        {"BearerAuth": ["write:contacts"]},
    ]
    assert security["/key"] == [{"BearerAuth": ["read:contacts"]}, {"Key": []}]
    assert security["/function"] == [{"BearerAuth": ["read:contacts"]}]
    assert security["/open"] is None
    assert operations["/async/who"]["responses"].keys() == {"200", "400", "401", "403", "503"}
    refusal = operations["/who"]["responses"]["401"]
    assert set(refusal["headers"]) == {"WWW-Authenticate", "Cache-Control"}
    problem = refusal["content"]["application/problem+json"]["schema"]
    assert set(problem["properties"]) == {"type", "title", "status", "detail", "error"}
    assert operations["/open"]["responses"].keys() == {"200"}


def test_the_document_of_a_prefix() -> None:
    with site([], SETTING):
        document = routes(BearerNinjaAPI()).get_openapi_schema(path_prefix="v1/")

    assert "/v1/who" in document["paths"]


def test_mistakes_are_reported_when_the_api_is_made() -> None:
    with site([], SETTING), pytest.raises(ValueError, match="not one scope name"):
        BearerAuth("read contacts")
    with site([], SETTING), pytest.raises(ValueError, match="at least one scope"):
        BearerAuth(any_of=True)
    with site([], {}), pytest.raises(ImproperlyConfigured, match="VERIFIER"):
        BearerAuth()
