"""One bounded GET against real servers on loopback, well-behaved and misbehaving ones."""

import asyncio
import functools
import gc
import gzip
import logging
import re
import socket
import struct

import pytest

from asgi_bearer.keys.http import FetchFailed, HttpxFetch, NotServed
from asgi_bearer.keys.ssrf import Screen
from tests.support.answering_server import OK, Answer, Server, ok_response, sends, serving

LIMIT = 2000
ONE_CHUNK = b"400\r\n" + b"x" * 1024 + b"\r\n"


def sends_slowly(first_part: bytes, part: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(first_part)
        while not writer.is_closing():
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


async def send_nothing(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.5)


async def send_reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)  # Makes close() send a reset.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@functools.cache  # Loading the certificates takes most of a test's time.
def fetcher(timeout: float = 30.0) -> HttpxFetch:
    return HttpxFetch(
        timeout=timeout, max_bytes=LIMIT, screen=Screen({"127.0.0.1"}, allow_private=False)
    )


@pytest.mark.parametrize(
    "answer",
    [
        sends(ok_response(b'{"keys":[]}')),
        sends(OK + b"\r\n", b'{"keys":', b"[]}"),
        sends(OK + b"transfer-encoding: chunked\r\n\r\n", b"b\r\n", b'{"keys":[]}\r\n0\r\n\r\n'),
        sends(ok_response(b'{"keys":[]}', b"content-encoding: identity")),
        sends(ok_response(b'{"keys":[]}', b"Content-Encoding: Identity")),
    ],
    ids=["length", "until-the-end", "chunked", "identity", "identity-in-capitals"],
)
async def test_the_body_of_a_200_is_returned(answer: Answer) -> None:
    async with serving(answer) as server:
        assert (await fetcher()(f"{server.address}/jwks")).body == b'{"keys":[]}'


async def test_a_body_may_be_as_long_as_the_limit() -> None:
    async with serving(sends(ok_response(b"x" * LIMIT))) as server:
        assert (await fetcher()(server.address)).body == b"x" * LIMIT


async def test_the_request_asks_for_plain_json_and_identifies_no_one() -> None:
    async with serving(sends(ok_response(b"{}"))) as server:
        await fetcher()(f"{server.address}/jwks?version=2")

    lines = server.requests[0].decode().lower().split("\r\n")
    assert lines[0] == "get /jwks?version=2 http/1.1"
    assert "accept: application/json, application/jwk-set+json" in lines
    assert "accept-encoding: identity" in lines
    assert not any(line.startswith(("authorization", "cookie", "content-")) for line in lines)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503])
async def test_a_status_other_than_200_is_a_failure(status: int) -> None:
    async with serving(sends(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)) as server:
        with pytest.raises(NotServed, match=f"status {status} instead of 200"):
            await fetcher()(server.address)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    async with serving(sends(ok_response(b'{"keys":[]}'))) as trap:
        location = f"{trap.address}/jwks".encode()
        moved = b"HTTP/1.1 %d Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n"
        async with serving(sends(moved % (status, location))) as server:
            with pytest.raises(NotServed, match=f"status {status}"):
                await fetcher()(server.address)

    assert trap.requests == []


BOMB = gzip.compress(b"x" * 10_000_000)[:1900]

REFUSED: list[tuple[str, Answer, str]] = [
    ("too-long", sends(ok_response(b"x" * (LIMIT + 1))), "more than 2000 bytes"),
    ("ten-mebibytes", sends(ok_response(b"x" * 10 * 2**20)), "more than 2000 bytes"),
    ("too-long-without-a-length", sends(OK + b"\r\n", b"x" * 3000), "more than 2000 bytes"),
    (
        "chunks-without-end",
        sends(OK + b"transfer-encoding: chunked\r\n\r\n", *[ONE_CHUNK] * 10_000),
        "more than 2000 bytes",
    ),
    ("gzip", sends(ok_response(BOMB, b"content-encoding: gzip")), "content-encoding 'gzip'"),
    ("brotli", sends(ok_response(b"x", b"content-encoding: br")), "content-encoding 'br'"),
    ("truncated", sends(OK + b"content-length: 100\r\n\r\n", b'{"keys":'), "RemoteProtocolError"),
    (
        "truncated-chunk",
        sends(OK + b"transfer-encoding: chunked\r\n\r\n50\r\nabc"),
        "RemoteProtocolError",
    ),
    ("bad-chunk", sends(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"), "RemoteProtocolError"),
    ("reset", send_reset, "Error"),
    ("closed-at-once", sends(), "RemoteProtocolError"),
    ("no-http", sends(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "RemoteProtocolError"),
    ("binary", sends(bytes(range(256)) * 8), "RemoteProtocolError"),
    ("endless-header", sends(OK + b"a: " + b"x" * 300_000), "RemoteProtocolError"),
    ("two-lengths", sends(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx"), "Protocol"),
]


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize(
    ("answer", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_an_answer_out_of_bounds_is_a_failure_with_its_reason(
    answer: Answer, words: str
) -> None:
    async with serving(answer) as server:
        with pytest.raises(FetchFailed) as failed:
            await fetcher()(f"{server.address}/jwks?key=s3cret")

    assert str(failed.value).startswith(f"{server.address}/jwks: ")
    assert words in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert len(str(failed.value)) < 200


SLOW: list[tuple[str, Answer]] = [
    ("silent", send_nothing),
    ("drips-its-header", sends_slowly(OK + b"a: ", b"x")),
    ("drips-header-lines", sends_slowly(OK, b"a: b\r\n")),
    ("drips-interim-answers", sends_slowly(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    ("drips-its-body", sends_slowly(OK + b"content-length: 1000\r\n\r\n", b"x")),
    ("drips-chunks", sends_slowly(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
    ("stops-in-its-body", sends_slowly(OK + b"content-length: 1000\r\n\r\n", b"")),
]


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize("answer", [row[1] for row in SLOW], ids=[row[0] for row in SLOW])
async def test_the_whole_exchange_has_one_deadline(answer: Answer) -> None:
    started = asyncio.get_running_loop().time()
    async with serving(answer) as server:
        with pytest.raises(FetchFailed, match="Timeout"):
            await fetcher(timeout=0.2)(f"{server.address}/jwks")
        took = asyncio.get_running_loop().time() - started

    assert took < 8.0


async def test_a_refused_connection_is_a_failure() -> None:
    with (
        socket.socket() as taken
    ):  # Bound but not listening, so that no other process gets the port.
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(FetchFailed, match=f"{address}/jwks: ConnectError"):
            await fetcher()(f"{address}/jwks")


async def test_a_server_that_is_silent_during_the_tls_handshake_leaves_no_socket_open() -> None:
    async with serving(send_nothing) as server:
        with pytest.raises(FetchFailed, match="ConnectTimeout"):
            await fetcher(timeout=0.2)(server.address.replace("http:", "https:"))

    gc.collect()  # An open socket would raise a warning here, and warnings are errors.


@pytest.mark.parametrize("url", ["https://xn--/", "https://127.0.0.1:0/", "https://\x7f/"])
async def test_a_url_that_the_client_cannot_use_is_a_failure(url: str) -> None:
    with pytest.raises(FetchFailed):
        await fetcher(timeout=1.0)(url)


async def test_unreadable_certificates_are_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")

    with pytest.raises(FetchFailed, match="the certificates cannot be loaded"):
        await HttpxFetch(
            timeout=30.0, max_bytes=LIMIT, screen=Screen({"127.0.0.1"}, allow_private=False)
        )("https://127.0.0.1/jwks")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(ok_response(BOMB, b"content-encoding: gzip"), id="compressed"),
        pytest.param(ok_response(b"x" * 10_000), id="too-large"),
    ],
)
async def test_an_unreadable_answer_still_counts_as_an_answer(answer: bytes) -> None:
    """Discovery then tries the next URL of the host."""
    async with serving(sends(answer)) as server:
        with pytest.raises(NotServed):
            await fetcher()(server.address)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_plain_http_to_loopback_uses_no_proxy(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        serving(sends(ok_response(b"proxy"))) as proxy,
        serving(sends(ok_response(b"issuer"))) as server,
    ):
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv(name, proxy.address)

        assert (await fetcher()(server.address)).body == b"issuer"

    assert proxy.requests == []


def test_one_fetch_serves_two_event_loops_one_after_the_other() -> None:
    fetch = fetcher()

    async def once() -> bytes | None:
        async with serving(sends(ok_response(b"{}"))) as server:
            return (await fetch(server.address)).body

    assert [asyncio.run(once()), asyncio.run(once())] == [b"{}", b"{}"]


async def test_the_log_of_this_library_shows_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "asgi_bearer")

    async with serving(sends(ok_response(b"{}"))) as server:
        await fetcher()(f"{server.address}/jwks?key=s3cret")

    assert not any(
        "s3cret" in record.getMessage()
        for record in caplog.records
        if record.name.startswith("asgi_bearer")
    )


async def test_a_cancelled_fetch_ends_and_closes_its_connection() -> None:
    closed = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        started.set()
        try:
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)
        except OSError:
            closed.set()

    started = asyncio.Event()
    async with serving(answer) as server:
        task = asyncio.create_task(fetcher()(server.address))
        await started.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(closed.wait(), 60.0)


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"content-type: \r\n",
        b"content-type: application/json\r\n",
        b"content-type: application/jwk-set+json; charset=utf-8\r\n",
        b"content-type: text/plain\r\n",
        b"content-type: text/html\r\n",
        b"content-type: application/octet-stream\r\n",
        b"content-type: application/json\r\ncontent-type: text/html\r\n",
    ],
)
async def test_a_document_is_read_with_any_content_type(header: bytes) -> None:
    """The body decides whether it is a key set."""
    answer = b"HTTP/1.1 200 OK\r\n%scontent-length: 2\r\n\r\n{}" % header
    async with serving(sends(answer)) as server:
        assert (await fetcher()(server.address)).body == b"{}"


def negotiates(accepted: bytes, server: list[Server]) -> Answer:
    """Answer 406 if the request does not accept this type, as Kubernetes does."""

    async def answer(writer: asyncio.StreamWriter) -> None:
        fields = server[0].requests[-1].lower().split(b"\r\n")
        (accept,) = [field for field in fields if field.startswith(b"accept:")]
        names = {name.partition(b";")[0].strip() for name in accept[7:].split(b",")}
        good = b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: 2\r\n\r\n{}" % accepted
        bad = b"HTTP/1.1 406 Not Acceptable\r\ncontent-length: 0\r\n\r\n"
        writer.write(good if accepted in names else bad)
        await writer.drain()

    return answer


@pytest.mark.parametrize("accepted", [b"application/json", b"application/jwk-set+json"])
async def test_a_server_that_insists_on_its_own_type_serves_the_keys(accepted: bytes) -> None:
    servers: list[Server] = []
    async with serving(negotiates(accepted, servers)) as server:
        servers.append(server)
        assert (await fetcher()(server.address)).body == b"{}"


def negotiated_type(request: bytes, served: dict[str, float]) -> str | None:
    """Return the type that a server picks by RFC 9110 §12.5.1; None means 406."""
    (accept,) = [line for line in request.decode().lower().split("\r\n") if line[:7] == "accept:"]
    weights: dict[str, float] = {}
    for part in accept[7:].split(","):
        name, *parameters = (text.strip() for text in part.split(";"))
        weights[name] = next((float(one[2:]) for one in parameters if one[:2] == "q="), 1.0)
    picked = {name: weights.get(name, 0.0) * quality for name, quality in served.items()}
    best = max(picked, key=lambda name: picked[name])
    return best if picked[best] else None


@pytest.mark.parametrize(
    ("served", "expected"),
    [
        ({"application/jwk-set+json": 1.0, "text/html": 0.9}, "application/jwk-set+json"),
        ({"application/json": 0.5, "text/html": 1.0}, "application/json"),
        ({"application/json": 0.5, "application/jwk-set+json": 0.7}, "application/jwk-set+json"),
    ],
    ids=["jwk-set", "json", "both"],
)
async def test_a_server_that_weighs_types_serves_one_of_the_types_that_it_has(
    served: dict[str, float], expected: str
) -> None:
    async with serving(sends(ok_response(b"{}"))) as server:
        await fetcher()(server.address)

    assert negotiated_type(server.requests[0], served) == expected


@pytest.mark.parametrize(
    ("location", "words"),
    [
        (
            b"location: https://login.example/" + b"realms/" * 20 + b"start?x=hunter2\r\n",
            f"a redirect to 'https://login.example/{'realms/' * 20}start'",
        ),
        (b"location: \xe2\x80\xae/\xc3\xa9\r\n", r"a redirect to '\u202e/\xe9'"),
        (
            b"location: https://login.example/start?token=hunter2\r\n",
            "'https://login.example/start'",
        ),
        (b"location: /login\r\n", "'/login'"),
        (b"location: https://me:hunter2@a.example/\r\n", "'https://a.example/'"),
        (b"", "status 302 instead of 200"),
    ],
)
async def test_the_error_for_a_redirect_names_its_target(location: bytes, words: str) -> None:
    answer = b"HTTP/1.1 302 Found\r\n%scontent-length: 0\r\n\r\n" % location
    async with serving(sends(answer)) as server:
        with pytest.raises(NotServed, match=re.escape(words)) as refused:
            await fetcher()(server.address)

    assert "hunter2" not in str(refused.value)


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_header_names_are_returned_in_lower_case() -> None:
    lines = (b'ETag: "v1"', b"CACHE-CONTROL: Max-Age=900", b"Cache-Control: public", b"Age: 5")
    async with serving(sends(ok_response(b"{}", *lines))) as server:
        headers = (await fetcher()(server.address)).headers

    assert headers["etag"] == '"v1"'
    assert headers["cache-control"] == "Max-Age=900, public"
    assert headers["age"] == "5"
    assert all(name == name.lower() for name in headers)


async def test_a_fetch_without_an_etag_is_unconditional() -> None:
    async with serving(sends(ok_response(b"{}"))) as server:
        await fetcher()(server.address)

    assert b"if-none-match" not in server.requests[0].lower()


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_a_fetch_with_an_etag_is_conditional() -> None:
    async with serving(sends(ok_response(b"{}"))) as server:
        document = await fetcher()(server.address, etag='W/"v1"')

    assert b'\r\nif-none-match: W/"v1"\r\n' in server.requests[0].replace(b"If-None", b"if-none")
    assert document.body == b"{}"


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    "headers", [b"", b"Cache-Control: max-age=900\r\n", b"content-type: text/html\r\n"]
)
async def test_a_304_means_that_the_document_is_unchanged(headers: bytes) -> None:
    """A 304 has no content, so it needs no content type."""
    async with serving(sends(b"HTTP/1.1 304 Not Modified\r\n%s\r\n" % headers)) as server:
        document = await fetcher()(server.address, etag='"v1"')

    assert document.body is None
    assert document.headers.get("cache-control") == ("max-age=900" if b"900" in headers else None)


async def test_a_flood_of_small_chunks_does_not_block_the_event_loop() -> None:
    """All chunks have already arrived; httpx yields them without a pause."""
    chunks = b"".join(b"1\r\nx\r\n" for _ in range(1500)) + b"0\r\n\r\n"
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(sends(OK + b"transfer-encoding: chunked\r\n\r\n" + chunks)) as server:
        await fetcher()(server.address)  # The first fetch does the imports.
        running = asyncio.create_task(count_turns())
        document = await fetcher()(server.address)
        running.cancel()

    assert document.body == b"x" * 1500
    assert turns > 1500
