"""A script in a browser opens a WebSocket with its token among the subprotocols."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser

from asgi_bearer.testing import FakeIssuer

issuer = FakeIssuer(clock=time.time)

OPEN = """([url, offered]) => new Promise(resolve => {
    const socket = new WebSocket(url, offered);
    socket.onmessage = event => resolve([socket.protocol, event.data]);
    socket.onclose = event => resolve(["", `closed ${event.code}`]);
})"""


async def echo_subject(scope: Any, receive: Any, send: Any) -> None:
    """Accept a WebSocket and send the subject and the other subprotocols."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        text = f"{scope['user'].subject} {scope['subprotocols']}"
        await send({"type": "websocket.send", "text": text})
        await receive()


@pytest.fixture(scope="module", params=["websockets-sansio", "wsproto"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of the guarded application under uvicorn, on a free port."""
    guard = issuer.guard(echo_subject, websocket_subprotocol="bearer")
    config = uvicorn.Config(guard, port=0, ws=request.param, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    with config.bind_socket() as listener:
        listener.listen()
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.mark.parametrize(
    ("token", "result"),
    [
        pytest.param({}, ["bearer", "alice ['chat']"], id="valid"),
        pytest.param({"exp": 1}, ["", "closed 1006"], id="expired"),
    ],
)
def test_a_browser_sends_its_token_as_a_subprotocol(
    chromium: Browser, address: str, token: dict[str, Any], result: list[str]
) -> None:
    page = chromium.new_page()

    answer = page.evaluate(OPEN, [address, ["bearer", issuer.token(**token), "chat"]])

    page.close()
    assert answer == result
