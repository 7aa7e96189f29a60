"""CORS: which origins may call the API, and that their scripts can read refusals and errors."""

from collections.abc import AsyncGenerator

import httpx
import pytest

from asgi_bearer import remote_keys
from asgi_bearer.keys import RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api.app import create_app
from resource_api.contacts.store import ContactStore, StoreUnavailable
from resource_api.settings import Settings
from tests.resource_api.conftest import KEYS_ADDRESS
from tests.support.asgi import bearer, client
from tests.support.documents import FakeDocuments

ORIGINS = ("https://app.example", "http://localhost:3000")
PREFLIGHT = {
    "access-control-request-method": "PUT",
    "access-control-request-headers": "authorization, content-type, if-match",
}


@pytest.fixture
async def calling(
    settings: Settings, keys: RemoteKeys, store: ContactStore, clock: FakeClock
) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of an API that two origins may call."""
    shared = settings.model_copy(update={"cors_origins": ORIGINS})
    async with client(create_app(shared, keys=keys, store=store, clock=clock)) as http:
        yield http


def allowed(answer: httpx.Response) -> str | None:
    """Return the origin whose scripts may read the answer."""
    origin: str | None = answer.headers.get("access-control-allow-origin")
    return origin


def exposed(answer: httpx.Response) -> set[str]:
    """Return the headers that scripts may read."""
    return set(answer.headers["access-control-expose-headers"].split(", "))


@pytest.mark.parametrize("origin", ORIGINS)
async def test_a_preflight_needs_no_token(calling: httpx.AsyncClient, origin: str) -> None:
    answer = await calling.options("/contacts/x", headers={"origin": origin, **PREFLIGHT})

    assert answer.status_code == 200
    assert allowed(answer) == origin
    assert {"PUT", "DELETE"} <= set(answer.headers["access-control-allow-methods"].split(", "))
    assert "If-Match" in answer.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "https://app.example.evil.example", "http://app.example", "null"),
        *("https://app.example:8443", "https://APP.example", "http://localhost", "*"),
    ],
)
async def test_an_origin_that_is_not_listed_may_read_nothing(
    calling: httpx.AsyncClient, origin: str
) -> None:
    preflight = await calling.options("/contacts", headers={"origin": origin, **PREFLIGHT})
    refusal = await calling.get("/contacts", headers={"origin": origin})

    assert (preflight.status_code, refusal.status_code) == (400, 401)
    assert allowed(preflight) is allowed(refusal) is None


async def test_a_script_can_read_a_refusal_with_its_challenge(
    calling: httpx.AsyncClient, issuer: FakeIssuer
) -> None:
    origin = {"origin": ORIGINS[0]}

    for headers, status in (({}, 401), (bearer(issuer.token(scope="openid")), 403)):
        answer = await calling.get("/contacts", headers={**origin, **headers})

        assert answer.status_code == status
        assert allowed(answer) == ORIGINS[0]
        assert {"WWW-Authenticate", "Retry-After"} <= exposed(answer)
        assert "Origin" in answer.headers["vary"]


async def test_a_script_can_read_that_tokens_cannot_be_verified_now(
    settings: Settings, store: ContactStore, issuer: FakeIssuer, clock: FakeClock
) -> None:
    shared = settings.model_copy(update={"cors_origins": ORIGINS})
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=FakeDocuments({}))
    async with client(create_app(shared, keys=keys, store=store, clock=clock)) as http:
        answer = await http.get(
            "/contacts", headers={"origin": ORIGINS[1], **bearer(issuer.token())}
        )

    assert answer.status_code == 503
    assert allowed(answer) == ORIGINS[1]
    assert "Retry-After" in exposed(answer)


async def test_a_script_can_read_that_the_server_failed(
    settings: Settings,
    store: ContactStore,
    keys: RemoteKeys,
    issuer: FakeIssuer,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also after an unexpected exception."""
    shared = settings.model_copy(update={"cors_origins": ORIGINS})
    app = create_app(shared, keys=keys, store=store, clock=clock)
    headers = {"origin": ORIGINS[0], **bearer(issuer.token())}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as http:
        for error, status in ((StoreUnavailable("x"), 503), (KeyError("x"), 500)):

            async def fail(
                *_arguments: object, failure: Exception = error, **_named: object
            ) -> None:
                raise failure

            monkeypatch.setattr(store, "page", fail)
            answer = await http.get("/contacts", headers=headers)

            assert answer.status_code == status
            assert allowed(answer) == ORIGINS[0]


async def test_without_cors_origins_a_preflight_needs_a_token(
    settings: Settings, keys: RemoteKeys, store: ContactStore, clock: FakeClock
) -> None:
    async with client(create_app(settings, keys=keys, store=store, clock=clock)) as http:
        answer = await http.options("/contacts", headers={"origin": ORIGINS[0], **PREFLIGHT})

    assert answer.status_code == 401
    assert allowed(answer) is None
