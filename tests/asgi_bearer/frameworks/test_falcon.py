"""What docs/frameworks/falcon.md says about WebSockets and about a missing guard."""

import logging
from typing import Any

import falcon.asgi
import pytest

from asgi_bearer.testing import FakeIssuer
from examples.falcon.main import api, scopes
from tests.support.asgi import bearer, client, handshake, websocket_scope

issuer = FakeIssuer()


class Changes:
    @falcon.before(scopes, "read:items")
    async def on_websocket(self, _req: falcon.asgi.Request, ws: falcon.asgi.WebSocket) -> None:
        await ws.accept()


@pytest.fixture
def guarded() -> Any:
    application = falcon.asgi.App()
    application.add_route("/changes", Changes())
    return issuer.guard(application)


async def test_a_websocket_without_the_scope_is_refused_before_it_is_accepted(guarded: Any) -> None:
    scope = websocket_scope("/changes", bearer(issuer.token(scope="openid")))

    start, _ = await handshake(guarded, scope)

    assert (start["type"], start["status"]) == ("websocket.http.response.start", 403)


async def test_a_websocket_with_the_scope_is_accepted(guarded: Any) -> None:
    scope = websocket_scope("/changes", bearer(issuer.token(scope="read:items")))

    assert (await handshake(guarded, scope))[0]["type"] == "websocket.accept"


async def test_without_the_guard_no_request_passes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    assert (await client(api).get("/items")).status_code == 500
