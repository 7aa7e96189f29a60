"""The log line of a refused request: method, path, code and reason."""

import logging
from typing import Any

import pytest

from asgi_bearer import StaticKeys
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client, converse, handshake, http_scope, websocket_scope

issuer = FakeIssuer()
guarded = issuer.guard


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"path": "/a/b"}, "GET /a/b: ", id="plain"),
        pytest.param({"method": "POST"}, "POST /: ", id="another method"),
        pytest.param({"query_string": b"token=hunter2"}, "GET /: ", id="without the query"),
        pytest.param({"path": "/a\nrefused\x1b"}, "GET /a%0Arefused%1B: ", id="line breaks"),
        pytest.param({"path": "/é\u2028"}, "GET /%C3%A9%E2%80%A8: ", id="beyond ASCII"),
        pytest.param({"path": "/\ud800", "raw_path": None}, "GET /%3F: ", id="a surrogate"),
        pytest.param({"path": f"/{'h' * 65}/x"}, "GET /hhhhhhhh.../x: ", id="a long segment"),
        pytest.param({"path": "/x" * 999}, f"GET {'/x' * 128}...: ", id="many segments"),
        pytest.param({"method": "GET\r\nX: y"}, "GET%0D%0AX%3A%20y /: ", id="an odd method"),
        pytest.param({"method": "A" * 999}, f"{'A' * 16} /: ", id="a long method"),
    ],
)
async def test_a_refusal_is_logged_with_method_and_path(
    changes: dict[str, Any], words: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await converse(guarded(), http_scope(**changes))

    assert caplog.messages == [f"refused {words}credentials_missing: no Authorization header"]


async def test_a_refused_websocket_is_logged_as_a_websocket(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await handshake(guarded(), websocket_scope("/live"))

    assert caplog.messages[0].startswith("refused WebSocket /live: credentials_missing: ")


async def test_the_log_names_the_scopes_of_the_token(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")
    verifier = issuer.verifier(keys=StaticKeys(issuer.jwks()))
    http = client(guarded(verifier=verifier, scopes=["b", "a"]))

    for scope in ("c b", "", " ".join(f"scope:{number}" for number in range(99))):
        await http.get("/", headers=bearer(issuer.token(scope=scope)))

    reasons = [message.partition("insufficient_scope: ")[2] for message in caplog.messages]
    assert reasons[:2] == ["needs b a, the token has b c", "needs b a, the token has none"]
    assert reasons[2].endswith("...")
    assert len(reasons[2]) < 300
