"""`end_with_token` under uvicorn: the client of a stream or a WebSocket sees it end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from asgi_bearer.testing import FakeClock, FakeIssuer
from tests.support.asgi import bearer


async def endless(scope: Any, receive: Any, send: Any) -> None:
    """Begin a stream, or accept a WebSocket, and wait for the disconnect."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": "begin"})
    else:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begin", "more_body": True})
    while "disconnect" not in (await receive())["type"]:
        pass


@asynccontextmanager
async def served(clock: FakeClock, **settings: Any) -> AsyncGenerator[tuple[str, dict[str, str]]]:
    """Yield the authority of a guarded server, and headers with a token that has a moment left."""
    issuer = FakeIssuer(clock=clock)
    token = issuer.token(exp=clock.now + 0.001)
    guard = issuer.guard(endless, end_with_token=True, clock=clock)
    config = uvicorn.Config(guard, port=0, lifespan="off", log_config=None, **settings)
    server = uvicorn.Server(config)
    with config.bind_socket() as listener:
        listener.listen()
        running = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"127.0.0.1:{listener.getsockname()[1]}", bearer(token)
        server.should_exit = True
        await running


@pytest.mark.parametrize("http", ["h11", "httptools"])
async def test_the_client_of_a_stream_reads_its_end(http: str) -> None:
    clock = FakeClock()
    read: list[bytes] = []

    async with (
        served(clock, http=http) as (authority, headers),
        httpx.AsyncClient() as client,
        client.stream("GET", f"http://{authority}/", headers=headers) as response,
    ):
        async for chunk in response.aiter_raw():
            read.append(chunk)
            clock.advance(1)

    assert read == [b"begin"]


@pytest.mark.parametrize("ws", ["websockets-sansio", "wsproto"])
async def test_the_client_of_a_websocket_reads_its_close(ws: str) -> None:
    clock = FakeClock()

    async with (
        served(clock, ws=ws) as (authority, headers),
        connect(f"ws://{authority}/", additional_headers=headers) as socket,
    ):
        assert await socket.recv() == "begin"
        clock.advance(1)
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()

    assert caught.value.rcvd is not None
    assert (caught.value.rcvd.code, caught.value.rcvd.reason) == (
        1008,
        "The access token has expired.",
    )
