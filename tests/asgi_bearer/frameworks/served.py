"""Applications under uvicorn, and WebSocket handshakes that the server denies."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.http11 import Response

WEBSOCKETS = ("websockets-sansio", "wsproto")
"""The implementations of WebSockets that uvicorn has."""


@asynccontextmanager
async def served(app: Any, *, ws: Any = "websockets-sansio") -> AsyncGenerator[str]:
    """Serve `app` on a free port and yield the authority of its URLs."""
    config = uvicorn.Config(app, port=0, lifespan="on", log_config=None, ws=ws)
    server = uvicorn.Server(config)
    with config.bind_socket() as listener:
        listener.listen()
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield f"127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await running


async def denial(url: str, headers: dict[str, str]) -> Response:
    """Return the HTTP response with which the server denies a WebSocket handshake."""
    try:
        async with connect(url, additional_headers=headers, proxy=None):
            pass
    except InvalidStatus as err:
        return err.response
    raise AssertionError("the server accepted the handshake")


async def first_message(url: str, headers: dict[str, str]) -> str | bytes:
    """Return what the application sends first after it has accepted a WebSocket."""
    async with connect(url, additional_headers=headers, proxy=None) as websocket:
        return await websocket.recv()
