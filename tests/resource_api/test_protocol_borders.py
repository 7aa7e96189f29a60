"""Where a request ends: what comes behind it is neither part of it nor able to undo it."""

import pytest

from resource_api.protocol import MAX_HEAD
from tests.resource_api.protocol_server import (
    CHUNKED,
    GET,
    LAST,
    exchange,
    problem_status,
    serving,
    until,
)

LATER = GET.replace(b"/", b"/later", 1) + b"\r\n"
WHOLE = CHUNKED + b"1\r\nx\r\n0\r\n\r\n"
UPGRADES = [b"h2c", b"websocket", b"foo"]


def upgrade(method: bytes, protocol: bytes, fields: bytes) -> bytes:
    """Return the head of a request that asks for another protocol."""
    return b"%s / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: %s\r\n%s\r\n" % (
        method,
        protocol,
        fields,
    )


@pytest.mark.parametrize(
    "trailers",
    [
        pytest.param(b"Authorization: Bearer x\r\n", id="one"),
        pytest.param(b"Authorization: Bearer x\r\nA: b\r\n", id="first-of-two"),
        pytest.param(b"A: b\r\nAuthorization: Bearer x\r\n", id="last-of-two"),
    ],
)
@pytest.mark.parametrize("next_request_apart", [False, True], ids=["one-segment", "two-segments"])
async def test_a_trailer_is_no_header_field_of_its_request_or_the_next(
    trailers: bytes, next_request_apart: bool
) -> None:
    first = CHUNKED + b"1\r\nx\r\n0\r\n" + trailers + b"\r\n"

    if next_request_apart:
        answer = await exchange(first, GET + LAST)
    else:
        answer = await exchange(first + GET + LAST)

    assert answer.endswith(b"GET host connection")
    assert b"POST host transfer-encodingHTTP" in answer


@pytest.mark.parametrize("protocol", UPGRADES)
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(b"Content-Length: %d\r\n" % len(GET + LAST), id="length"),
        pytest.param(b"Content-Length: 00%d\r\n" % len(GET + LAST), id="length-with-zeros"),
        pytest.param(b"Transfer-Encoding: chunked\r\n", id="chunked"),
    ],
)
async def test_the_body_of_an_upgrade_is_never_the_next_request(
    protocol: bytes, fields: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await exchange(upgrade(b"POST", protocol, fields), GET + LAST)

    assert problem_status(answer) == 400
    assert len([record for record in caplog.records if record.levelname == "WARNING"]) == 1


@pytest.mark.parametrize("protocol", UPGRADES)
@pytest.mark.parametrize("fields", [b"", b"Content-Length: 0\r\n"], ids=["no-length", "length-0"])
@pytest.mark.parametrize("behind", [b"", GET + b"\r\n"], ids=["alone", "with-another-behind"])
async def test_an_upgrade_without_a_body_is_an_ordinary_request_and_the_last(
    protocol: bytes, fields: bytes, behind: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await exchange(upgrade(b"GET", protocol, fields) + behind)

    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"\r\nconnection: close\r\n" in answer
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param([GET + b"\r\n"], id="get"),
        pytest.param([WHOLE], id="post"),
        pytest.param([WHOLE, GET + b"\r\n"], id="two"),
        pytest.param([LATER], id="slow-get"),
        pytest.param([LATER, WHOLE], id="slow-get-and-post"),
    ],
)
@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\0x\r\n\r\n", id="no-http"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="no-host"),
        pytest.param(CHUNKED + b"no", id="bad-chunk"),
    ],
)
async def test_whole_requests_are_answered_whatever_comes_behind(
    whole: list[bytes], garbage: bytes
) -> None:
    answer = await exchange(b"".join(whole) + garbage)

    assert answer.count(b"HTTP/1.1 200 ") == len(whole)
    assert answer.count(b"HTTP/1.1 ") == len(whole)
    assert answer.count(b"\r\nconnection: close\r\n") == 1


@pytest.mark.parametrize(
    "garbage",
    [
        pytest.param(b"\0x\r\n\r\n", id="no-http"),
        pytest.param(GET + b"X: " + b"a" * MAX_HEAD, id="endless-field"),
        pytest.param(CHUNKED + b"1;" + b"a" * MAX_HEAD, id="endless-chunk-extension"),
    ],
)
async def test_garbage_that_comes_while_an_answer_is_made_does_not_replace_it(
    garbage: bytes,
) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(LATER)
        await until(lambda: server.state.tasks)

        writer.write(garbage)

        answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("requests", "answers"),
    [
        pytest.param(LATER, 1, id="one"),
        pytest.param(LATER + WHOLE, 2, id="two"),
        pytest.param(LATER + GET, 1, id="one-and-a-part"),
        pytest.param(LATER + CHUNKED, 1, id="one-and-a-head"),
        pytest.param(GET, 0, id="a-part"),
        pytest.param(CHUNKED + b"5\r\nx", 0, id="a-part-of-a-body"),
        pytest.param(b"", 0, id="nothing"),
    ],
)
async def test_a_client_that_says_that_it_is_done_gets_the_answers_to_whole_requests(
    requests: bytes, answers: int
) -> None:
    async with serving() as server:
        reader, writer = await server.connect()
        writer.write(requests)
        writer.write_eof()

        answer = await reader.read()

    assert answer.count(b"HTTP/1.1 200 ") == answers
    assert answer.count(b"HTTP/1.1 ") == answers
