"""OPTIONS and CORS preflights: every method needs a token, unless `preflight=True` is set."""

import httpx
import pytest

from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import (
    RecordingApplication,
    bearer,
    client,
    converse,
    handshake,
    http_scope,
    websocket_scope,
)

issuer = FakeIssuer()
guarded = issuer.guard


PREFLIGHT = {"origin": "https://web.example", "access-control-request-method": "GET"}


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        pytest.param("OPTIONS", PREFLIGHT, 200, id="preflight"),
        pytest.param("OPTIONS", {**PREFLIGHT, "authorization": "Bearer x"}, 200, id="with a token"),
        pytest.param("OPTIONS", {"origin": "https://web.example"}, 401, id="no requested method"),
        pytest.param("OPTIONS", {"access-control-request-method": "GET"}, 401, id="no origin"),
        pytest.param("OPTIONS", {}, 401, id="plain OPTIONS"),
        pytest.param("GET", PREFLIGHT, 401, id="not OPTIONS"),
        pytest.param("options", PREFLIGHT, 401, id="OPTIONS in lower case"),
        pytest.param("OPTIONS", {**PREFLIGHT, "origin": ""}, 401, id="an empty origin"),
        pytest.param(
            "OPTIONS",
            {**PREFLIGHT, "access-control-request-method": ""},
            401,
            id="an empty requested method",
        ),
        pytest.param(
            "OPTIONS", [*PREFLIGHT.items(), ("origin", "https://b.example")], 401, id="two origins"
        ),
        pytest.param(
            "OPTIONS",
            [*PREFLIGHT.items(), ("access-control-request-method", "PUT")],
            401,
            id="two requested methods",
        ),
    ],
)
async def test_with_preflight_only_a_real_cors_preflight_passes(
    method: str, headers: httpx.Headers, status: int
) -> None:
    # httpx is not used here: it writes methods in upper case.
    fields = httpx.Headers(headers).raw

    sent = await converse(guarded(preflight=True), http_scope(method=method, headers=fields))

    assert sent[0]["status"] == status


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("headers", [PREFLIGHT, {}], ids=["preflight", "plain OPTIONS"])
async def test_options_needs_a_token_like_every_other_method(
    headers: dict[str, str], optional: bool
) -> None:
    """The application ignores the method, so it would answer OPTIONS with its data."""
    app = RecordingApplication()

    async with client(guarded(app=app, optional=optional)) as http:
        bad = await http.options("/contacts", headers={**headers, "authorization": "Bearer x"})
        none = await http.options("/contacts", headers=headers)
        good = await http.options("/contacts", headers={**headers, **bearer(issuer.token())})

    assert (bad.status_code, good.status_code) == (401, 200)
    assert none.status_code == (200 if optional else 401)
    assert not optional or not app.scopes[0]["user"].is_authenticated


async def test_a_websocket_is_not_a_preflight() -> None:
    """Some servers add a method to its scope."""
    fields = [(name.encode(), value.encode()) for name, value in PREFLIGHT.items()]
    scope = {**websocket_scope(), "method": "OPTIONS", "headers": fields}

    sent = await handshake(guarded(preflight=True), scope)

    assert sent[0]["status"] == 401


async def test_a_preflight_may_have_headers_in_an_iterator() -> None:
    fields = [(name.encode(), value.encode()) for name, value in PREFLIGHT.items()]
    app = RecordingApplication()

    await converse(
        guarded(app=app, preflight=True), http_scope(method="OPTIONS", headers=iter(fields))
    )

    assert list(app.scopes[0]["headers"]) == fields


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
async def test_a_script_may_read_the_challenge() -> None:
    response = await client(guarded()).get("/", headers={"origin": "https://web.example"})

    assert response.headers["access-control-expose-headers"] == "WWW-Authenticate"


@pytest.mark.parametrize("preflight", [False, True])
@pytest.mark.parametrize("method", ["GET", "HEAD", "TRACE", "CONNECT", "QUERY", "get", "", None])
async def test_every_method_needs_a_token(method: object, preflight: bool) -> None:
    sent = await converse(guarded(preflight=preflight), http_scope(method=method))

    assert sent[0]["status"] == 401
