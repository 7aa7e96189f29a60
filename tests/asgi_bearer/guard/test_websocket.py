"""WebSocket connections: the guard refuses them before the application accepts."""

from typing import Any

import pytest

from asgi_bearer import (
    BearerMiddleware,
    CredentialsMalformed,
    CredentialsMissing,
    InsufficientScope,
    InvalidTokenError,
)
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, handshake, websocket_scope

issuer = FakeIssuer()


async def accepts(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})


guarded = BearerMiddleware(
    accepts, verifier=issuer.verifier(), scopes="read:contacts", public={"/open", "GET /get"}
)

REFUSED = (CredentialsMissing, CredentialsMalformed, InvalidTokenError, InsufficientScope)

REFUSALS = [
    pytest.param({}, 401, id="no token"),
    pytest.param({"authorization": "Bearer"}, 400, id="malformed"),
    pytest.param(bearer("x"), 401, id="bad token"),
    pytest.param(bearer(issuer.token(scope="openid")), 403, id="too little scope"),
]


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
async def test_a_valid_token_opens_a_websocket() -> None:
    sent = await handshake(guarded, websocket_scope(headers=bearer(issuer.token())))

    assert sent == [{"type": "websocket.accept"}]


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize(("headers", "status"), REFUSALS)
async def test_a_refused_handshake_gets_an_http_response_if_the_server_can_send_one(
    headers: dict[str, str], status: int
) -> None:
    sent = await handshake(guarded, websocket_scope(headers=headers))

    assert [message["type"] for message in sent] == [
        "websocket.http.response.start",
        "websocket.http.response.body",
    ]
    assert sent[0]["status"] == status
    assert b"www-authenticate" in dict(sent[0]["headers"])
    assert sent[1]["body"]


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize(("headers", "status"), REFUSALS)
async def test_a_refused_handshake_is_closed_with_1008_if_the_server_cannot_send_an_http_response(
    headers: dict[str, str], status: int
) -> None:
    sent = await handshake(guarded, websocket_scope(headers=headers, denial=False))

    (close,) = sent
    assert (close["type"], close["code"]) == ("websocket.close", 1008)
    assert close["reason"] in {refusal.sentence for refusal in REFUSED}


@pytest.mark.parametrize(
    ("path", "opened"),
    [
        pytest.param("/open", True, id="public path"),
        pytest.param("/get", False, id="public for GET only"),
    ],
)
async def test_a_public_path_opens_a_websocket_without_a_token(path: str, opened: bool) -> None:
    sent = await handshake(guarded, websocket_scope(path))

    assert (sent == [{"type": "websocket.accept"}]) is opened


@pytest.mark.parametrize("changes", [{}, {"extensions": None}], ids=["absent", "null"])
async def test_a_handshake_is_closed_if_the_scope_has_no_extensions(
    changes: dict[str, Any],
) -> None:
    scope = websocket_scope()
    del scope["extensions"]
    scope |= changes

    sent = await handshake(guarded, scope)

    assert sent[0]["type"] == "websocket.close"


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        pytest.param("GET", {}, id="GET"),
        pytest.param(
            "OPTIONS",
            {"origin": "https://app.example", "access-control-request-method": "GET"},
            id="OPTIONS like a preflight",
        ),
    ],
)
async def test_a_method_in_the_scope_of_a_websocket_makes_nothing_public(
    method: str, headers: dict[str, str]
) -> None:
    scope = websocket_scope("/get", headers=headers) | {"method": method}

    sent = await handshake(guarded, scope)

    assert sent[0]["status"] == 401
