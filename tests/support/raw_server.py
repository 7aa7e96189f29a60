"""An application behind the API's HTTP protocol on a real socket, and a client of raw bytes."""

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
from resource_api.web.connection_limits import LimitedHttp
from resource_api.web.head_checks import HeadChecks

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
LARGE = 60_000
"""Bytes; more than the buffers of these sockets hold, less than those of the event loop."""


class ShortDeadlines(LimitedHttp):
    """The HTTP protocol of the API with short deadlines, so that its tests are fast."""

    client_seconds = 0.3
    max_waiting = 3
    min_waiting_seconds = 0.0
    waiting: ClassVar[dict[LimitedHttp, None]] = {}


class RawServer:
    """A server that `serving` runs, and what happened on it."""

    def __init__(self) -> None:
        self.state = ServerState()
        self.left = asyncio.Event()
        """Set when the client of a request for `/wait` has disconnected."""
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer with the method and the names of the header fields.

        It reads a chunked body first, except at `/stream`, `/unread` and `/wait`. `/later` answers
        after some turns of the event loop, `/wait` never, `/large` with `LARGE` bytes, and
        `/stream` begins an answer that it does not end.
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
        """Open a connection with small buffers."""
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
    """Wait for something that happens on the other side of a socket."""
    while not condition():  # noqa: ASYNC110 - no code on the other side could set an event
        await asyncio.sleep(0)


def let_pass(seconds: float) -> None:
    """Move the clock of the event loop forward; it then runs the timers that are due."""
    loop = asyncio.get_running_loop()
    time = loop.time
    loop.time = lambda: time() + seconds  # type: ignore[method-assign] # only for this test's loop


def reset(writer: asyncio.StreamWriter) -> None:
    """Reset the connection, as the system does when a client crashes."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@asynccontextmanager
async def serving() -> AsyncGenerator[RawServer]:
    """Run a server on a free port."""
    raw = RawServer()
    config = uvicorn.Config(
        AccessLog(HeadChecks(raw.application)),
        ws="none",
        log_config=None,
        access_log=False,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
    config.load()
    server = await asyncio.get_running_loop().create_server(
        lambda: ShortDeadlines(config=config, server_state=raw.state, app_state={}), "127.0.0.1", 0
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
    """Send the pieces one by one; return all bytes that the server sends until it closes."""
    async with serving() as server:
        reader, writer = await server.connect()
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        answer: bytes = await reader.read()
        return answer


def problem_status(answer: bytes) -> int:
    """Return the status of an answer after checking that it is a problem (RFC 9457)."""
    head, _, body = answer.partition(b"\r\n\r\n")
    problem = json.loads(body)
    assert head.startswith(b"HTTP/1.1 %d " % problem["status"])
    assert b"\r\ncontent-type: application/problem+json" in head
    assert b"\r\ncontent-length: %d\r\n" % len(body) in head
    status: int = problem["status"]
    return status
