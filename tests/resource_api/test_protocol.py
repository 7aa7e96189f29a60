"""HTTP on a connection: what is too large, too slow, too much, or no HTTP."""

import asyncio
from typing import Any

import pytest

from resource_api.access_log import AccessLog
from resource_api.bodies import BODY_SECONDS
from resource_api.protocol import MAX_HEAD, PATIENCE
from resource_api.server import GRACE_SECONDS
from tests.resource_api.protocol_server import (
    CHUNKED,
    GET,
    LARGE,
    LAST,
    Impatient,
    exchange,
    problem_status,
    reset,
    serving,
    until,
)

A = b"a" * 1000
LARGE_GET = GET.replace(b"/", b"/large", 1)
PIECES = MAX_HEAD // len(A) + 1


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
        pytest.param([GET, *[b"X: %s\r\n" % A] * PIECES], 431, id="many-fields"),
        pytest.param([GET, b"X: ", *[A] * PIECES], 431, id="endless-field"),
        pytest.param([b"GET /", *[A] * PIECES], 431, id="endless-path"),
        pytest.param([CHUNKED, b"0\r\n", *[b"X: %s\r\n" % A] * PIECES], 431, id="many-trailers"),
        pytest.param([CHUNKED, b"0\r\nX: ", *[A] * PIECES], 431, id="endless-trailer"),
        pytest.param([CHUNKED, b"1;x=", *[A] * PIECES], 431, id="endless-chunk-extension"),
        pytest.param(
            [CHUNKED, *[b"1;x=%s\r\ny\r\n" % A] * PIECES], 431, id="many-chunk-extensions"
        ),
        pytest.param([], 408, id="silent"),
        pytest.param([GET], 408, id="silent-within-the-head"),
    ],
)
async def test_what_cannot_become_a_request_is_a_problem(pieces: list[bytes], status: int) -> None:
    assert problem_status(await exchange(*pieces)) == status


async def test_a_head_within_the_limit_is_read() -> None:
    answer = await exchange(GET, b"X: %s\r\n" % (b"a" * (MAX_HEAD - 100)), LAST)

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_a_body_in_chunks_of_one_byte_is_read() -> None:
    answer = await exchange(CHUNKED, b"1\r\nx\r\n" * (MAX_HEAD // 4), b"0\r\n\r\n" + GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 2


async def test_a_query_that_is_not_ascii_is_no_server_error() -> None:
    answer = await exchange(b"GET /?\xff HTTP/1.1\r\nHost: x\r\n", LAST)

    assert answer.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 400 "))


async def test_old_clients_need_no_host() -> None:
    assert (await exchange(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_connection_serves_several_requests() -> None:
    answer = await exchange(GET, b"\r\n", GET, b"\r\n", GET, LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_a_second_head_that_stops_is_not_waited_for() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET + b"\r\n")
        assert (await reader.readuntil(b"\r\n\r\nGET host")).startswith(b"HTTP/1.1 200 ")

        writer.write(GET)

        assert problem_status(await reader.read()) == 408


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    """Write until the connection is gone."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


async def test_a_client_that_goes_on_after_its_refusal_is_cut_off() -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(b"NO HTTP\r\n\r\n")

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_a_body_that_nobody_wants_is_not_taken_for_ever() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        answer = await reader.readuntil(b"\r\n\r\nPOST")

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)

    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(LARGE_GET + b"\r\n", id="kept-alive"),
        pytest.param(LARGE_GET + LAST, id="last-answer"),
        pytest.param((LARGE_GET + b"\r\n") * 50, id="pipelined"),
        pytest.param(LARGE_GET + b"\r\nNO HTTP\r\n\r\n", id="garbage-behind"),
    ],
)
async def test_an_answer_that_nobody_takes_is_not_held_for_ever(
    requests: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(requests)
        await until(lambda: server.state.total_requests)

        await until(lambda: not server.state.connections)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_client_that_takes_its_answers_may_stay() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        loop = asyncio.get_running_loop()
        end = loop.time() + 2 * Impatient.patience
        while loop.time() < end:
            writer.write(LARGE_GET + b"\r\n")

            answer = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(LARGE)

            assert answer.startswith(b"HTTP/1.1 200 ")


async def test_all_requests_of_a_client_hear_that_it_is_gone() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET.replace(b"/", b"/wait", 1) + b"\r\n" + GET + b"\r\n")
        await until(lambda: server.state.tasks)

        reset(writer)

        await server.left.wait()
    assert reader.at_eof() or reader.exception()


def test_no_client_can_outlast_the_grace_of_a_shutdown() -> None:
    assert max(PATIENCE, BODY_SECONDS) < GRACE_SECONDS


async def test_a_connection_too_many_is_closed() -> None:
    async with serving() as server:
        held = [await server.connect() for _ in range(Impatient.max_connections)]
        for _, writer in held:
            writer.write(GET)
        reader, _ = await server.connect()

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
