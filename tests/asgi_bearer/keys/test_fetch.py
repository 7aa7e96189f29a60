"""One bounded GET against a real server on loopback, well-behaved and not."""

import asyncio
import functools
import gc
import gzip
import logging
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from asgi_bearer.keys.fetch import FetchFailed, HttpxFetch, NotServed
from asgi_bearer.keys.screen import Screen
from tests.asgi_bearer.keys.published import settled

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

LIMIT = 2000
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
ONE_CHUNK = b"400\r\n" + b"x" * 1024 + b"\r\n"


class Server:
    """A server that gives one answer to whatever it is asked."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.requests: list[bytes] = []
        self.address = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request and answer it."""
        self._connections[writer] = asyncio.current_task()
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await self._answer(writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # The client had enough, or the test is over.
        finally:
            writer.close()

    async def hang_up(self) -> None:
        """End all connections, with whatever was not sent."""
        for writer, task in self._connections.items():
            if task is not None:
                task.cancel()
                await task
            writer.transport.abort()
        await settled()


@asynccontextmanager
async def serving(answer: Answer) -> AsyncGenerator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    server.address = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listening.close()
        await server.hang_up()
        await listening.wait_closed()


def says(*parts: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()

    return answer


def body(content: bytes, *headers: bytes) -> bytes:
    lines = b"".join(header + b"\r\n" for header in headers)
    return OK + lines + b"content-length: %d\r\n\r\n" % len(content) + content


def drips(beginning: bytes, drop: bytes) -> Answer:
    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        while not writer.is_closing():
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.01)

    return answer


async def silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(0.5)


async def reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)  # Closing sends a reset instead of an end.
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


@functools.cache  # Reading the certificates takes most of the time of a test.
def fetcher(timeout: float = 5.0) -> HttpxFetch:
    return HttpxFetch(
        timeout=timeout, max_bytes=LIMIT, screen=Screen({"127.0.0.1"}, allow_private=False)
    )


@pytest.mark.parametrize(
    "answer",
    [
        says(body(b'{"keys":[]}')),
        says(OK + b"\r\n", b'{"keys":', b"[]}"),
        says(OK + b"transfer-encoding: chunked\r\n\r\n", b"b\r\n", b'{"keys":[]}\r\n0\r\n\r\n'),
        says(body(b'{"keys":[]}', b"content-encoding: identity")),
        says(body(b'{"keys":[]}', b"Content-Encoding: Identity")),
    ],
    ids=["length", "until-the-end", "chunked", "identity", "identity-in-capitals"],
)
async def test_the_body_of_a_200_is_returned(answer: Answer) -> None:
    async with serving(answer) as server:
        assert (await fetcher()(f"{server.address}/jwks")).body == b'{"keys":[]}'


async def test_a_body_may_be_as_long_as_the_limit() -> None:
    async with serving(says(body(b"x" * LIMIT))) as server:
        assert (await fetcher()(server.address)).body == b"x" * LIMIT


async def test_the_request_asks_for_plain_json_and_tells_nothing() -> None:
    async with serving(says(body(b"{}"))) as server:
        await fetcher()(f"{server.address}/jwks?version=2")

    lines = server.requests[0].decode().lower().split("\r\n")
    assert lines[0] == "get /jwks?version=2 http/1.1"
    assert "accept: application/json" in lines
    assert "accept-encoding: identity" in lines
    assert not any(line.startswith(("authorization", "cookie", "content-")) for line in lines)


@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503])
async def test_another_status_than_200_is_no_document(status: int) -> None:
    """Row 82."""
    async with serving(says(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)) as server:
        with pytest.raises(NotServed, match=f"status {status} instead of 200"):
            await fetcher()(server.address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
    """Row 82."""
    async with serving(says(body(b'{"keys":[]}'))) as trap:
        location = f"{trap.address}/jwks".encode()
        moved = b"HTTP/1.1 %d Moved\r\nlocation: %s\r\ncontent-length: 0\r\n\r\n"
        async with serving(says(moved % (status, location))) as server:
            with pytest.raises(NotServed, match=f"status {status}"):
                await fetcher()(server.address)

    assert trap.requests == []


BOMB = gzip.compress(b"x" * 10_000_000)[:1900]

REFUSED: list[tuple[str, Answer, str]] = [
    ("too-long", says(body(b"x" * (LIMIT + 1))), "more than 2000 bytes"),
    ("ten-mebibytes", says(body(b"x" * 10 * 2**20)), "more than 2000 bytes"),
    ("too-long-without-a-length", says(OK + b"\r\n", b"x" * 3000), "more than 2000 bytes"),
    (
        "chunks-without-end",
        says(OK + b"transfer-encoding: chunked\r\n\r\n", *[ONE_CHUNK] * 10_000),
        "more than 2000 bytes",
    ),
    ("gzip", says(body(BOMB, b"content-encoding: gzip")), "content-encoding 'gzip'"),
    ("brotli", says(body(b"x", b"content-encoding: br")), "content-encoding 'br'"),
    ("truncated", says(OK + b"content-length: 100\r\n\r\n", b'{"keys":'), "RemoteProtocolError"),
    (
        "truncated-chunk",
        says(OK + b"transfer-encoding: chunked\r\n\r\n50\r\nabc"),
        "RemoteProtocolError",
    ),
    ("bad-chunk", says(OK + b"transfer-encoding: chunked\r\n\r\nzz\r\n"), "RemoteProtocolError"),
    ("reset", reset, "Error"),
    ("closed-at-once", says(), "RemoteProtocolError"),
    ("no-http", says(b"SSH-2.0-OpenSSH_9.9\r\n\r\n"), "RemoteProtocolError"),
    ("binary", says(bytes(range(256)) * 8), "RemoteProtocolError"),
    ("endless-header", says(OK + b"a: " + b"x" * 300_000), "RemoteProtocolError"),
    ("two-lengths", says(OK + b"content-length: 1\r\ncontent-length: 2\r\n\r\nxx"), "Protocol"),
]


@pytest.mark.parametrize(
    ("answer", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_an_answer_out_of_bounds_is_a_failure_that_names_the_reason(
    answer: Answer, words: str
) -> None:
    """Row 83."""
    async with serving(answer) as server:
        with pytest.raises(FetchFailed) as failed:
            await fetcher()(f"{server.address}/jwks?key=s3cret")

    assert str(failed.value).startswith(f"{server.address}/jwks: ")
    assert words in str(failed.value)
    assert "s3cret" not in str(failed.value)
    assert len(str(failed.value)) < 200


SLOW: list[tuple[str, Answer]] = [
    ("silent", silence),
    ("drips-its-header", drips(OK + b"a: ", b"x")),
    ("drips-header-lines", drips(OK, b"a: b\r\n")),
    ("drips-interim-answers", drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    ("drips-its-body", drips(OK + b"content-length: 1000\r\n\r\n", b"x")),
    ("drips-chunks", drips(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
    ("stops-in-its-body", drips(OK + b"content-length: 1000\r\n\r\n", b"")),
]


@pytest.mark.parametrize("answer", [row[1] for row in SLOW], ids=[row[0] for row in SLOW])
async def test_the_whole_exchange_has_one_deadline(answer: Answer) -> None:
    """Row 83."""
    started = asyncio.get_running_loop().time()
    async with serving(answer) as server:
        with pytest.raises(FetchFailed, match="Timeout"):
            await fetcher(timeout=0.2)(f"{server.address}/jwks")
        took = asyncio.get_running_loop().time() - started

    assert took < 2.0


async def test_a_refused_connection_is_a_failure() -> None:
    with socket.socket() as taken:  # Bound and not listening: nobody else gets the port.
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(FetchFailed, match=f"{address}/jwks: ConnectError"):
            await fetcher()(f"{address}/jwks")


async def test_a_server_that_is_silent_in_the_tls_handshake_leaves_no_socket_open() -> None:
    async with serving(silence) as server:
        with pytest.raises(FetchFailed, match="ConnectTimeout"):
            await fetcher(timeout=0.2)(server.address.replace("http:", "https:"))

    gc.collect()  # A socket that is still open would warn now, and warnings are errors.


@pytest.mark.parametrize("url", ["https://xn--/", "https://127.0.0.1:0/", "https://\x7f/"])
async def test_an_address_that_the_client_cannot_use_is_a_failure(url: str) -> None:
    with pytest.raises(FetchFailed):
        await fetcher(timeout=1.0)(url)


async def test_certificates_that_cannot_be_read_are_a_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")

    with pytest.raises(FetchFailed, match="no certificates to trust"):
        await HttpxFetch(
            timeout=1.0, max_bytes=LIMIT, screen=Screen({"127.0.0.1"}, allow_private=False)
        )("https://127.0.0.1/jwks")


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(body(BOMB, b"content-encoding: gzip"), id="compressed"),
        pytest.param(body(b"x" * 10_000), id="too-large"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_no_silence(answer: bytes) -> None:
    """Discovery goes on to the next place then: the host is there."""
    async with serving(says(answer)) as server:
        with pytest.raises(NotServed):
            await fetcher()(server.address)


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_plain_http_stays_on_this_machine_whatever_proxy_is_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 82."""
    async with (
        serving(says(body(b"proxy"))) as proxy,
        serving(says(body(b"issuer"))) as server,
    ):
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.setenv(name, proxy.address)

        assert (await fetcher()(server.address)).body == b"issuer"

    assert proxy.requests == []


def test_one_fetch_serves_two_event_loops_one_after_the_other() -> None:
    fetch = fetcher()

    async def once() -> bytes | None:
        async with serving(says(body(b"{}"))) as server:
            return (await fetch(server.address)).body

    assert [asyncio.run(once()), asyncio.run(once())] == [b"{}", b"{}"]


async def test_the_log_of_this_library_holds_no_query(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "asgi_bearer")

    async with serving(says(body(b"{}"))) as server:
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
        await asyncio.wait_for(closed.wait(), 5.0)
