"""Hostile HTTP clients: invalid or ambiguous requests, and clients that are slow or silent."""

import asyncio
from typing import Any

import pytest

from resource_api.server import GRACE_SECONDS, MAX_HEAD
from resource_api.web.access_log import AccessLog
from resource_api.web.bodies import BODY_SECONDS
from resource_api.web.connection_limits import CLIENT_SECONDS
from resource_api.web.head_checks import MAX_FIELDS
from tests.support.raw_server import (
    CHUNKED,
    GET,
    LARGE,
    LAST,
    ShortDeadlines,
    exchange,
    let_pass,
    problem_status,
    reset,
    serving,
    until,
)

A = b"a" * 1000
PIECES = MAX_HEAD // len(A) + 1
LARGE_GET = GET.replace(b"/", b"/large", 1)
LATER = GET.replace(b"/", b"/later", 1) + b"\r\n"
WHOLE = CHUNKED + b"1\r\nx\r\n0\r\n\r\n"


def coded(*codings: bytes) -> bytes:
    """Return the head of a request with one Transfer-Encoding field for each coding."""
    fields = b"".join(b"Transfer-Encoding: %s\r\n" % coding for coding in codings)
    return b"POST / HTTP/1.1\r\nHost: x\r\n%s\r\n" % fields


def version(name: bytes) -> bytes:
    """Return a request of another HTTP version."""
    return b"GET / %s\r\nHost: x\r\n\r\n" % name


@pytest.mark.parametrize(
    ("pieces", "status"),
    [
        pytest.param([b"NO HTTP\r\n\r\n"], 400, id="not-http"),
        pytest.param([b"\x16\x03\x01\x02\x00\r\n\r\n"], 400, id="tls"),
        pytest.param([b"GET / HTTP/1.1", b"\r\n\r\n"], 400, id="no-host"),
        pytest.param([GET, b"host: y\r\n\r\n"], 400, id="two-hosts"),
        pytest.param([b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n"], 400, id="path-not-ascii"),
        pytest.param([b"GET /\r\n\r\n"], 400, id="http-0.9"),
        pytest.param([b"GET /\n\n"], 400, id="http-0.9-without-cr"),
        pytest.param([version(b"HTTP/0.9")], 505, id="http-0.9-by-name"),
        pytest.param([version(b"HTTP/2.0")], 505, id="http-2.0"),
        pytest.param([version(b"HTTP/3.0")], 505, id="http-3.0"),
        pytest.param([version(b"HTTP/1.2")], 505, id="http-1.2"),
        pytest.param([version(b"HTTP/11")], 400, id="a-version-of-two-digits"),
        pytest.param([version(b"http/1.1")], 400, id="a-version-in-lower-case"),
        pytest.param([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], 505, id="http-2-preface"),
        pytest.param([GET, b"Content-Length: -1\r\n\r\n"], 400, id="negative-length"),
        pytest.param([GET, b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n"], 400, id="lengths"),
        pytest.param([GET, b"Content-Length: 1, 2\r\n\r\n"], 400, id="two-lengths-in-one"),
        pytest.param(
            [GET, b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"], 400, id="both"
        ),
        pytest.param([coded(b"gzip")], 501, id="gzip"),
        pytest.param([coded(b"gzip, chunked")], 501, id="gzip-and-chunked"),
        pytest.param([coded(b"chunked", b"chunked")], 501, id="chunked-twice"),
        pytest.param([coded(b"chunked", b"identity")], 501, id="chunked-and-identity"),
        pytest.param([coded(b"identity")], 501, id="identity"),
        pytest.param([coded(b"xchunked")], 501, id="nearly-chunked"),
        pytest.param([coded(b"chunked;q=1")], 501, id="chunked-with-a-parameter"),
        pytest.param([coded(b"")], 501, id="no-coding"),
        pytest.param([GET, b"X : y\r\n\r\n"], 400, id="space-before-the-colon"),
        pytest.param([GET, b"X\0: y\r\n\r\n"], 400, id="nul-in-a-name"),
        pytest.param([GET, b"X: \0\r\n\r\n"], 400, id="nul-in-a-value"),
        pytest.param([GET, *[b"X: %s\r\n" % A] * PIECES], 431, id="many-bytes"),
        pytest.param([GET, b"X: ", *[A] * PIECES], 431, id="endless-field"),
        pytest.param([b"GET /", *[A] * PIECES], 431, id="endless-path"),
        pytest.param([GET, b"x:\r\n" * MAX_FIELDS, b"\r\n"], 431, id="many-fields"),
        pytest.param([GET, b"x:\r\n" * 10_000, b"\r\n"], 431, id="very-many-fields"),
    ],
)
async def test_an_invalid_or_ambiguous_request_is_refused(pieces: list[bytes], status: int) -> None:
    answer = await exchange(*pieces)

    assert problem_status(answer) == status
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([CHUNKED, b"no\r\n"], id="bad-chunk"),
        pytest.param([CHUNKED, b"1;x=", *[A] * PIECES], id="endless-chunk-extension"),
        pytest.param([CHUNKED, b"0\r\nX: ", *[A] * PIECES], id="endless-trailer"),
        pytest.param([CHUNKED, b"f" * 30 + b"\r\n"], id="a-huge-chunk"),
    ],
)
async def test_an_invalid_body_ends_the_connection(pieces: list[bytes]) -> None:
    answer = await exchange(*pieces)

    assert problem_status(answer) in (400, 431)
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_after_an_answer_has_begun_invalid_bytes_reset_the_connection() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET.replace(b"/", b"/stream", 1) + b"Transfer-Encoding: chunked\r\n\r\n")
        head = await reader.readuntil(b"\r\n\r\n")

        writer.write(b"no chunk\r\n")

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readuntil(b"HTTP/1.1")
    assert head.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "garbage", [b"NO HTTP\r\n\r\n", coded(b"gzip"), b"x:\n" * (MAX_FIELDS + 1)]
)
async def test_invalid_bytes_after_a_request_are_refused_after_its_answer(garbage: bytes) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET + b"\r\n")
        first = await reader.readuntil(b"\r\n\r\nGET host")

        writer.write(garbage)
        second = await reader.read()

    assert first.startswith(b"HTTP/1.1 200 ")
    assert problem_status(second) in (400, 431, 501)


async def test_a_client_that_keeps_sending_after_a_refusal_is_disconnected() -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(b"NO HTTP\r\n\r\n")

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_an_application_sees_an_invalid_body_as_a_disconnect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET.replace(b"/", b"/wait", 1) + b"Transfer-Encoding: chunked\r\n\r\n")
        await until(lambda: server.state.tasks)

        writer.write(b"no chunk\r\n")

        assert problem_status(await reader.read()) == 400
        await server.left.wait()
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_head_within_the_size_limit_is_accepted() -> None:
    answer = await exchange(GET, b"X: %s\r\n" % (b"a" * (MAX_HEAD - 100)), LAST)

    assert answer.startswith(b"HTTP/1.1 200 ")


async def test_header_fields_that_arrive_in_pieces_are_counted_together() -> None:
    answer = await exchange(GET, *[b"x:\r\n" * 50] * 5)

    assert problem_status(answer) == 431


async def test_header_fields_that_end_in_a_bare_line_feed_are_counted() -> None:
    few = GET.replace(b"\r", b"") + b"x:\n" * 50 + b"\n"

    assert (await exchange(few, few, few, GET + LAST)).count(b"HTTP/1.1 200 ") == 4
    assert problem_status(await exchange(GET, *[b"x:\n" * 50] * 5)) == 431


async def test_the_lines_of_a_body_are_not_counted_wherever_the_head_is_split() -> None:
    lines = b"\n" * (2 * MAX_FIELDS)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(lines)

    for cut in (1, 2, 3):
        answer = await exchange(head[:-cut], head[-cut:] + lines, GET + LAST)
        assert answer.count(b"HTTP/1.1 200 ") == 2


async def test_a_client_that_keeps_sending_header_fields_after_431_causes_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(GET + b"x:\r\n" * (2 * MAX_FIELDS))
        assert problem_status(await reader.read()) == 431

        for _ in range(3):
            writer.write(b"x:\r\n" * MAX_FIELDS)
            await writer.drain()
            await asyncio.sleep(0)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_the_connection_ends_after_an_answer_if_chunks_of_the_request_were_not_read() -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(UNREAD + b"Transfer-Encoding: chunked\r\n\r\n")
        answer = await reader.readuntil(b"POST host transfer-encoding")

        writer.write(b"1\r\nx\r\n")

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert await reader.read() == b""
        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


async def test_a_body_with_content_length_may_arrive_after_the_answer() -> None:
    head = UNREAD + b"Content-Length: 5\r\n\r\n"

    answer = await exchange(head, b"x", b"xxxx", head, b"xxxxx", GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_header_fields_are_counted_for_each_request_alone() -> None:
    answer = await exchange(*[GET + b"x:\r\n" * 50 + b"\r\n"] * 5, GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 6


async def test_the_lines_of_a_body_are_not_counted_as_header_fields() -> None:
    lines = b"\n" * (2 * MAX_FIELDS)
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(lines)

    answer = await exchange(head + lines, head, lines, GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 3


async def test_a_body_in_chunks_of_one_byte_is_accepted() -> None:
    answer = await exchange(CHUNKED, b"1\r\nx\r\n" * 30_000, b"0\r\n\r\n" + GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 2


async def test_the_coding_chunked_may_be_written_in_capitals() -> None:
    answer = await exchange(coded(b"CHUNKED"), b"0\r\n\r\n", GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 2


async def test_a_client_of_http_1_0_needs_no_host() -> None:
    assert (await exchange(b"GET / HTTP/1.0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")


async def test_a_connection_serves_several_requests_in_their_order() -> None:
    answer = await exchange(LATER + WHOLE + GET + LAST)

    assert answer.count(b"HTTP/1.1 200 ") == 3
    assert answer.index(b"GET host") < answer.index(b"POST host") < answer.rindex(b"GET host")


@pytest.mark.parametrize("next_request_apart", [False, True], ids=["one-segment", "two-segments"])
async def test_a_trailer_becomes_a_header_field_of_no_request(
    next_request_apart: bool,
) -> None:
    first = CHUNKED + b"1\r\nx\r\n0\r\nAuthorization: Bearer x\r\nA: b\r\n\r\n"

    if next_request_apart:
        answer = await exchange(first, GET + LAST)
    else:
        answer = await exchange(first + GET + LAST)

    assert answer.endswith(b"GET host connection")
    assert b"POST host transfer-encodingHTTP" in answer


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"foo"])
@pytest.mark.parametrize("method", [b"GET", b"POST"])
async def test_the_body_of_an_upgrade_is_never_the_next_request(
    protocol: bytes, method: bytes
) -> None:
    inner = b"DELETE /inner HTTP/1.1\r\nHost: x\r\n\r\n"
    fields = b"Connection: Upgrade\r\nUpgrade: %s\r\nContent-Length: %d\r\n" % (
        protocol,
        len(inner),
    )

    answer = await exchange(b"%s / HTTP/1.1\r\nHost: x\r\n%s\r\n" % (method, fields), inner)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"DELETE" not in answer


UNREAD = b"POST /unread HTTP/1.1\r\nHost: x\r\n"


async def write_for_ever(writer: asyncio.StreamWriter) -> None:
    """Write until the server ends the connection."""
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="silent"),
        pytest.param(GET, id="silent-within-the-head"),
        pytest.param(GET + b"\r\n" + GET, id="silent-within-the-second-head"),
        pytest.param(GET + b"\r\n", id="idle-after-an-answer"),
    ],
)
async def test_a_silent_client_is_disconnected(begin: bytes) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(begin)

        try:
            answer = await reader.read()
        except ConnectionError:
            answer = b""
    assert answer.count(b"HTTP/1.1 200 ") in (0, begin.count(b"\r\n\r\n"))


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(GET + b"X: ", id="a-head"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
            id="a-body-that-the-application-does-not-read",
        ),
    ],
)
async def test_a_client_that_sends_byte_by_byte_is_disconnected(begin: bytes) -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(begin)

        with pytest.raises(ConnectionError):
            await write_for_ever(writer)


@pytest.mark.parametrize(
    "requests",
    [
        pytest.param(LARGE_GET + b"\r\n", id="kept-alive"),
        pytest.param(LARGE_GET + LAST, id="last-answer"),
        pytest.param((LARGE_GET + b"\r\n") * 50, id="pipelined"),
        pytest.param(LARGE_GET + b"\r\nNO HTTP\r\n\r\n", id="invalid-bytes-after-it"),
    ],
)
async def test_a_client_that_does_not_read_its_answer_is_disconnected(
    requests: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(requests)
        await until(lambda: server.state.total_requests)

        await until(lambda: not server.state.connections)

    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_a_client_that_reads_its_answers_stays_connected(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ShortDeadlines, "client_seconds", 10.0)
    async with serving() as server:
        reader, writer = await server.connect()
        for _ in range(5):
            writer.write(LARGE_GET + b"\r\n")

            answer = await reader.readuntil(b"\r\n\r\n") + await reader.readexactly(LARGE)

            assert answer.startswith(b"HTTP/1.1 200 ")
            let_pass(5.0)


async def test_the_deadline_of_the_client_does_not_end_a_running_request() -> None:
    async with serving() as server:
        _, writer = await server.connect()
        writer.write(GET.replace(b"/", b"/wait", 1) + b"\r\n")
        await until(lambda: server.state.tasks)
        let_pass(2 * ShortDeadlines.client_seconds)
        for _ in range(3):
            await asyncio.sleep(0)

        reset(writer)

        await server.left.wait()


async def test_one_connection_too_many_ends_the_connection_that_waits_longest() -> None:
    async with serving() as server:
        silent = [await server.connect() for _ in range(ShortDeadlines.max_waiting + 1)]

        with pytest.raises(ConnectionError):
            await write_for_ever(silent[0][1])
        reader, writer = await server.connect()
        writer.write(GET + LAST)

        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")


async def test_a_burst_of_connections_ends_none_that_has_just_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ShortDeadlines, "min_waiting_seconds", 60.0)
    monkeypatch.setattr(ShortDeadlines, "client_seconds", 60.0)
    async with serving() as server:
        reader, writer = await server.connect()
        silent = [await server.connect() for _ in range(3 * ShortDeadlines.max_waiting)]

        writer.write(GET + LAST)

        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        assert not any(reader.at_eof() for reader, _ in silent)


async def test_a_closed_connection_is_no_longer_counted() -> None:
    await exchange(GET, LAST)

    assert not ShortDeadlines.waiting


def test_a_slow_client_has_less_time_than_a_shutdown_gives_to_requests() -> None:
    assert max(CLIENT_SECONDS, BODY_SECONDS) < GRACE_SECONDS


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
async def test_the_access_log_passes_other_scopes_to_the_application(kind: str) -> None:
    kinds: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        kinds.append(scope["type"])

    async def unused(*_: Any) -> Any:
        raise NotImplementedError

    await AccessLog(application)({"type": kind}, unused, unused)

    assert kinds == [kind]
