"""HTTP on a connection: what is too large, too slow, too much, or no HTTP."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from uvicorn.server import ServerState

from resource_api.access_log import AccessLog
from resource_api.protocol import MAX_HEAD, BoundedHttp

GET = b"GET / HTTP/1.1\r\nHost: x\r\n"
LAST = b"Connection: close\r\n\r\n"
PIECES = MAX_HEAD // 1000 + 1


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the method; a body is read first if it is chunked, else not at all."""
    request = Request(scope, receive)
    if "transfer-encoding" in request.headers:
        with suppress(ClientDisconnect):
            await request.body()
    await PlainTextResponse(request.method)(scope, receive, send)


class Impatient(BoundedHttp):
    """The protocol with little patience, so that its tests need little."""

    patience = 0.1
    max_connections = 3


@asynccontextmanager
async def serving() -> AsyncGenerator[Callable[[], Any]]:
    """Yield a function that opens a connection."""
    config = uvicorn.Config(AccessLog(application), ws="none", log_config=None, access_log=False)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Impatient(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    writers: list[asyncio.StreamWriter] = []

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writers.append(writer)
        return reader, writer

    async with asyncio.timeout(10):
        yield connect
        for writer in writers:
            writer.close()
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)


async def exchange(*pieces: bytes) -> bytes:
    """Return all that the server answers, until it closes, to pieces sent one by one."""
    async with serving() as connect:
        reader, writer = await connect()
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
    assert head.endswith(b"\r\nconnection: close")
    status: int = problem["status"]
    return status


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([b"NO HTTP\r\n\r\n"], 400, id="no-http"),
        pytest.param([b"GET / HTTP/1.1", b"\r\n\r\n"], 400, id="no-host"),
        pytest.param([GET, b"host: y\r\n\r\n"], 400, id="two-hosts"),
        pytest.param([b"\x16\x03\x01\x02\x00"], 400, id="tls"),
        pytest.param([b"GET /\xff HTTP/1.1\r\n\r\n"], 400, id="path-not-ascii"),
        pytest.param([GET, b"Content-Length: -1\r\n\r\n"], 400, id="negative-length"),
        pytest.param(
            [GET, b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"], 400, id="two-lengths"
        ),
        pytest.param(
            [b"GET /%s" % (b"a" * 66_000), b" HTTP/1.1\r\nHost: x\r\n\r\n"], 400, id="path"
        ),
        pytest.param([b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"], 400, id="connect"),
        pytest.param([GET, b"Transfer-Encoding: chunked\r\n\r\n", b"no"], 400, id="bad-chunk"),
        pytest.param([GET, *[b"X: %s\r\n" % (b"a" * 1000)] * PIECES], 431, id="many-fields"),
        pytest.param([GET, b"X: ", *[b"a" * 1000] * PIECES], 431, id="endless-field"),
        pytest.param([b"GET /", *[b"a" * 1000] * PIECES], 431, id="endless-path"),
        pytest.param([], 408, id="silent"),
        pytest.param([GET], 408, id="silent-within-the-head"),
    ],
)
async def test_what_cannot_become_a_request_is_a_problem(pieces: list[bytes], status: int) -> None:
    assert problem_status(await exchange(*pieces)) == status


async def test_a_head_within_the_limit_is_read() -> None:
    answer = await exchange(GET, b"X: %s\r\n" % (b"a" * (MAX_HEAD - 100)), LAST)

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_query_that_is_not_ascii_is_no_server_error() -> None:
    answer = await exchange(b"GET /?\xff HTTP/1.1\r\nHost: x\r\n", LAST)

    assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


async def test_old_clients_need_no_host() -> None:
    assert (await exchange(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_connection_serves_several_requests() -> None:
    answer = await exchange(GET, b"\r\n", GET, b"\r\n", GET, LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_a_second_head_that_stops_is_not_waited_for() -> None:
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\nGET")).startswith(b"HTTP/1.1 200 ")

        writer.write(GET)

        assert problem_status(await reader.read()) == 408


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    """Write until the connection is gone."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_fault_behind_an_answer_that_is_due_ends_the_connection() -> None:
    answer = await exchange(
        GET + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GET + b"\r\nNO HTTP\r\n"
    )

    assert answer.count(b"HTTP/1.1 ") <= 2


async def test_a_client_that_goes_on_after_its_refusal_is_cut_off() -> None:
    async with serving() as connect:
        _, writer = await connect()
        writer.write(b"NO HTTP\r\n\r\n")

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_a_body_that_nobody_wants_is_not_taken_for_ever() -> None:
    async with serving() as connect:
        reader, writer = await connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\nPOST")

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_connection_too_many_is_closed() -> None:
    async with serving() as connect:
        held = [await connect() for _ in range(Impatient.max_connections)]
        for _, writer in held:
            writer.write(GET)
        reader, _ = await connect()

        answer = await reader.read()

    assert answer == b""


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_the_access_log_lets_other_scopes_pass(kind: str) -> None:
    seen: list[str] = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    async def nothing(*_: Any) -> Any:
        raise NotImplementedError

    await AccessLog(noting)({"type": kind}, nothing, nothing)

    assert seen == [kind]
