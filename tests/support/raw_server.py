"""An application behind our HTTP on a real socket, with a client that sends raw bytes."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, ClassVar

import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from resource_api.server import MAX_HEAD
from resource_api.web.access_log import AccessLog
from resource_api.web.connection_limits import PatientHttp
from resource_api.web.request_limits import HttpBounds

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 60_000
"""Bytes; more than the buffers of the system hold here, less than those of the event loop."""


class Impatient(PatientHttp):
    """Our HTTP with little patience, so that its tests need little."""

    patience = 0.3
    max_waiting = 3
    turn = 0.0
    waiting: ClassVar[dict[PatientHttp, None]] = {}


class RawServer:
    """What `serving` serves."""

    def __init__(self) -> None:
        self.state = ServerState()
        self.left = asyncio.Event()
        """Somebody who asked for `/wait` is gone."""
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the method and the names of the fields.

        A body is read first if it is chunked, else not at all, nor at `/unread`. `/later` takes
        some turns of the event loop, `/wait` never ends, and the answer of `/large` is.
        """
        request = Request(scope, receive)
        if "transfer-encoding" in request.headers and scope["path"] not in (
            "/stream",
            "/unread",
            "/wait",
        ):
            with suppress(ClientDisconnect):
                await request.body()
        if scope["path"] == "/wait":
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()
        if scope["path"] == "/later":
            for _ in range(1000):
                await asyncio.sleep(0)
        if scope["path"] == "/stream":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        content = " ".join([request.method, *request.headers])
        if scope["path"] == "/large":
            content = content.ljust(LARGE, ".")
        await PlainTextResponse(content)(scope, receive, send)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection, on which hardly anything is buffered."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=client, limit=2048)
        self._writers.append(writer)
        return reader, writer

    def close(self) -> None:
        """End all connections."""
        for writer in self._writers:
            writer.close()
        for connection in list(self.state.connections):
            connection.transport.abort()


async def until(condition: Callable[[], object]) -> None:
    """Wait for what happens on the other side of a socket."""
    while not condition():  # noqa: ASYNC110 - nobody there could set an event
        await asyncio.sleep(0)


def let_pass(seconds: float) -> None:
    """Move the clock of the event loop on: what is due by then happens in its next turns."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign] # of this test's loop alone


def reset(writer: asyncio.StreamWriter) -> None:
    """End the connection as a client does that crashed."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@asynccontextmanager
async def serving() -> AsyncGenerator[RawServer]:
    """Yield a server that listens."""
    raw = RawServer()
    config = uvicorn.Config(
        AccessLog(HttpBounds(raw.application)),
        ws="none",
        log_config=None,
        access_log=False,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: Impatient(config=config, server_state=raw.state, app_state={}), "127.0.0.1", 0
    )
    listening = server.sockets[0]
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    raw.port = listening.getsockname()[1]
    async with asyncio.timeout(60):
        try:
            yield raw
        finally:
            server.close()
            raw.close()
            await asyncio.sleep(0)


async def exchange(*pieces: bytes) -> bytes:
    """Return all that the server answers, until it closes, to pieces sent one by one."""
    async with serving() as server:
        reader, writer = await server.connect()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        answer: bytes = await reader.read()
        return answer


def problem_status(answer: bytes) -> int:
    """Return the status of a problem after checking its form."""
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    assert b"\r\ncontent-type: application/problem+json" in head
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head
    status: int = problem["status"]
    return status
