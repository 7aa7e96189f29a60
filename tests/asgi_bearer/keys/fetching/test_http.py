"""One bounded GET against a real server on loopback, well-behaved and not."""

import asyncio
import functools
import gc
import gzip
import logging
import re
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from asgi_bearer.keys.http import FetchFailed, HttpxFetch, NotServed
from asgi_bearer.keys.ssrf import Screen
from tests.support.published_keys import settled

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]

LIMIT = 2000
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
ONE_CHUNK = b"400\r\n" + b"x" * 1024 + b"\r\n"


class Server:
    """A server that gives one answer to whatever it is asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._connections: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}
        self.requests: list[bytes] = []
        self.address = ""
        self.port = 0

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read a request and answer it."""
        self._connections[writer] = asyncio.current_task()
        try:
            self.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await self.answer(writer)
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
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncGenerator[Server]:
    server = Server(answer)
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    server.address = f"http://127.0.0.1:{server.port}"
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
def fetcher(timeout: float = 30.0) -> HttpxFetch:
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
    assert "accept: application/json, application/jwk-set+json" in lines
    assert "accept-encoding: identity" in lines
    assert not any(line.startswith(("authorization", "cookie", "content-")) for line in lines)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("status", [201, 204, 206, 304, 400, 401, 403, 404, 429, 500, 503])
async def test_another_status_than_200_is_no_document(status: int) -> None:
    async with serving(says(b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n" % status)) as server:
        with pytest.raises(NotServed, match=f"status {status} instead of 200"):
            await fetcher()(server.address)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status: int) -> None:
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


@pytest.mark.conforms("fetches are bounded in size and time")
@pytest.mark.parametrize(
    ("answer", "words"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
async def test_an_answer_out_of_bounds_is_a_failure_that_names_the_reason(
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
    ("silent", silence),
    ("drips-its-header", drips(OK + b"a: ", b"x")),
    ("drips-header-lines", drips(OK, b"a: b\r\n")),
    ("drips-interim-answers", drips(b"", b"HTTP/1.1 103 Early Hints\r\n\r\n")),
    ("drips-its-body", drips(OK + b"content-length: 1000\r\n\r\n", b"x")),
    ("drips-chunks", drips(OK + b"transfer-encoding: chunked\r\n\r\n", b"1\r\nx\r\n")),
    ("stops-in-its-body", drips(OK + b"content-length: 1000\r\n\r\n", b"")),
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

    with pytest.raises(FetchFailed, match="the certificates cannot be loaded"):
        await HttpxFetch(
            timeout=30.0, max_bytes=LIMIT, screen=Screen({"127.0.0.1"}, allow_private=False)
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


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_plain_http_stays_on_this_machine_whatever_proxy_is_set(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
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
async def test_a_document_is_read_whatever_its_type_is_called(header: bytes) -> None:
    """The body decides whether it is a key set."""
    answer = b"HTTP/1.1 200 OK\r\n%scontent-length: 2\r\n\r\n{}" % header
    async with serving(says(answer)) as server:
        assert (await fetcher()(server.address)).body == b"{}"


def takes(accepted: bytes, server: list[Server]) -> Answer:
    """Answer 406 where the request does not name a type, as Kubernetes does."""

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
async def test_a_server_that_insists_on_its_own_type_is_asked_for_it(accepted: bytes) -> None:
    servers: list[Server] = []
    async with serving(takes(accepted, servers)) as server:
        servers.append(server)
        assert (await fetcher()(server.address)).body == b"{}"


def prefers(request: bytes, served: dict[str, float]) -> str | None:
    """Return the type that a server picks by RFC 9110 §12.5.1, None for 406."""
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
async def test_a_server_that_weighs_types_finds_one_that_it_has(
    served: dict[str, float], expected: str
) -> None:
    async with serving(says(body(b"{}"))) as server:
        await fetcher()(server.address)

    assert prefers(server.requests[0], served) == expected


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
async def test_the_fault_of_a_redirect_names_where_it_led(location: bytes, words: str) -> None:
    answer = b"HTTP/1.1 302 Found\r\n%scontent-length: 0\r\n\r\n" % location
    async with serving(says(answer)) as server:
        with pytest.raises(NotServed, match=re.escape(words)) as refused:
            await fetcher()(server.address)

    assert "hunter2" not in str(refused.value)


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_the_headers_are_given_by_names_in_lower_case() -> None:
    lines = (b'ETag: "v1"', b"CACHE-CONTROL: Max-Age=900", b"Cache-Control: public", b"Age: 5")
    async with serving(says(body(b"{}", *lines))) as server:
        headers = (await fetcher()(server.address)).headers

    assert headers["etag"] == '"v1"'
    assert headers["cache-control"] == "Max-Age=900, public"
    assert headers["age"] == "5"
    assert all(name == name.lower() for name in headers)


async def test_without_an_etag_the_document_is_asked_for_as_it_is() -> None:
    async with serving(says(body(b"{}"))) as server:
        await fetcher()(server.address)

    assert b"if-none-match" not in server.requests[0].lower()


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_with_an_etag_only_another_document_is_asked_for() -> None:
    async with serving(says(body(b"{}"))) as server:
        document = await fetcher()(server.address, etag='W/"v1"')

    assert b'\r\nif-none-match: W/"v1"\r\n' in server.requests[0].replace(b"If-None", b"if-none")
    assert document.body == b"{}"


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
@pytest.mark.parametrize(
    "headers", [b"", b"Cache-Control: max-age=900\r\n", b"content-type: text/html\r\n"]
)
async def test_a_304_says_that_the_document_is_the_same(headers: bytes) -> None:
    """It needs no content type: there is no content."""
    async with serving(says(b"HTTP/1.1 304 Not Modified\r\n%s\r\n" % headers)) as server:
        document = await fetcher()(server.address, etag='"v1"')

    assert document.body is None
    assert document.headers.get("cache-control") == ("max-age=900" if b"900" in headers else None)


NAME = "issuer.test"


def certified(name: str, folder: Path) -> ssl.SSLContext:
    """Return a server's TLS; its certificate for `name` is its own authority, in `folder`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    return tls


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server's TLS for `NAME`, which a fetch trusts; nothing is proxied."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    return certified(NAME, tmp_path)


def pinned(*addresses: str, timeout: float = 30.0) -> HttpxFetch:
    async def screen(host: str, *, proxied: bool) -> list[str]:
        return list(addresses)

    return HttpxFetch(timeout=timeout, max_bytes=LIMIT, screen=screen)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_screened_host_is_connected_to_where_it_was_judged(tls: ssl.SSLContext) -> None:
    """Nobody else knows the name: it is not resolved a second time."""
    async with serving(says(body(b"{}")), tls) as server:
        document = await pinned("127.0.0.1")(f"https://{NAME}:{server.port}/jwks?version=2")

    assert document.body == b"{}"
    assert server.requests[0].startswith(b"GET /jwks?version=2 HTTP/1.1\r\n")
    assert f"\r\nhost: {NAME}:{server.port}\r\n" in server.requests[0].decode().lower()
    assert server.requests[0].lower().count(b"\r\nhost:") == 1


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_screened_host_proves_its_name_and_not_its_address(tls: ssl.SSLContext) -> None:
    asked_for: list[str | None] = []
    tls.sni_callback = lambda connection, name, context: asked_for.append(name)
    async with serving(says(body(b"{}")), tls) as server:
        await pinned("127.0.0.1")(f"https://{NAME}:{server.port}/jwks")
        with pytest.raises(FetchFailed, match=r"ConnectError .*CERTIFICATE_VERIFY_FAILED"):
            await pinned("127.0.0.1")(f"https://other.test:{server.port}/jwks")

    assert asked_for == [NAME, "other.test"]
    assert len(server.requests) == 1


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_a_screened_fetch_asks_whether_the_document_has_changed(tls: ssl.SSLContext) -> None:
    async with serving(says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), tls) as server:
        document = await pinned("127.0.0.1")(f"https://{NAME}:{server.port}/", etag='"v1"')

    assert document.body is None


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.2", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1", "127.0.0.3"),
        ("127.0.0.2", "127.0.0.3", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"),
    ],
    ids=" ".join,
)
async def test_the_next_address_is_tried_if_nobody_is_at_one(
    addresses: tuple[str, ...], tls: ssl.SSLContext
) -> None:
    """The server is at 127.0.0.1 alone."""
    async with serving(says(body(b"{}")), tls) as server:
        document = await pinned(*addresses)(f"https://{NAME}:{server.port}/")

    assert document.body == b"{}"
    assert len(server.requests) == 1


async def test_the_next_address_is_tried_if_the_first_is_silent(tls: ssl.SSLContext) -> None:
    """Half of the time is for one connection, so that there is some for the next."""
    with socket.socket() as silent:
        async with serving(says(body(b"{}")), tls) as server:
            silent.bind(("127.0.0.2", server.port))
            silent.listen()
            fetch = pinned("127.0.0.2", "127.0.0.1", timeout=3.0)
            document = await fetch(f"https://{NAME}:{server.port}/")

    assert document.body == b"{}"


async def test_nobody_at_any_address_is_a_failure(tls: ssl.SSLContext) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(FetchFailed, match=f"^https://{NAME}:.*/jwks: ConnectError"):
            await pinned("127.0.0.1", "127.0.0.1")(f"https://{NAME}:{taken.getsockname()[1]}/jwks")


async def test_an_answer_of_one_address_is_not_asked_of_the_next(tls: ssl.SSLContext) -> None:
    busy = says(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
    async with serving(busy, tls) as server:
        with pytest.raises(NotServed, match="status 503"):
            await pinned("127.0.0.1", "127.0.0.1")(f"https://{NAME}:{server.port}/")

    assert len(server.requests) == 1


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_a_screened_host_is_connected_to_whatever_proxy_is_set(
    name: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen gives addresses only where no proxy connects."""
    async with serving(says(b"")) as proxy, serving(says(body(b"{}")), tls) as server:
        monkeypatch.setenv(name, proxy.address)

        await pinned("127.0.0.1")(f"https://{NAME}:{server.port}/")

    assert proxy.requests == []


async def test_without_addresses_of_the_screen_the_proxy_is_asked_by_name(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(says(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)

        with pytest.raises(FetchFailed, match="ProxyError"):
            await pinned()(f"https://{NAME}/jwks")

    assert proxy.requests[0].startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n".encode())


async def test_the_screen_is_asked_for_the_host_alone() -> None:
    asked: list[str] = []

    async def screen(host: str, *, proxied: bool) -> list[str]:
        asked.append(host)
        raise OSError("no such host")

    fetch = HttpxFetch(timeout=30.0, max_bytes=LIMIT, screen=screen)
    for url in ("https://Keys.Example:8443/jwks?version=2", "https://[2001:DB8::1]:8443/"):
        with pytest.raises(FetchFailed, match="OSError 'no such host'"):
            await fetch(url)

    assert asked == ["keys.example", "2001:db8::1"]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.0.1", "is in a private network"),
        ("169.254.169.254", "is not a public address"),
    ],
)
async def test_a_host_that_leads_inward_is_a_failure_that_names_the_kind_of_address(
    address: str, kind: str
) -> None:

    async def resolve(host: str) -> list[str]:
        return [address]

    screen = Screen({"issuer.example"}, allow_private=False, resolve=resolve)
    with pytest.raises(FetchFailed) as failed:
        await HttpxFetch(timeout=30.0, max_bytes=LIMIT, screen=screen)(
            "https://keys.example/jwks?key=s3cret"
        )

    assert not isinstance(failed.value, NotServed)
    assert str(failed.value) == f"https://keys.example/jwks: ValueError '{address} {kind}'"


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_a_name_that_takes_too_long_to_resolve_is_a_failure() -> None:

    async def screen(host: str, *, proxied: bool) -> list[str]:
        await asyncio.Event().wait()
        return []

    fetch = HttpxFetch(timeout=0.02, max_bytes=LIMIT, screen=screen)
    with pytest.raises(FetchFailed, match=r"^https://keys\.example/jwks: TimeoutError"):
        await asyncio.wait_for(fetch("https://keys.example/jwks"), 60.0)


async def test_the_certificates_are_read_once(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them takes longer than the fetch."""
    fetch = pinned("127.0.0.1")
    async with serving(says(body(b"{}")), tls) as server:
        await fetch(f"https://{NAME}:{server.port}/")
        monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")
        await fetch(f"https://{NAME}:{server.port}/")

    assert len(server.requests) == 2


async def test_a_flood_of_small_chunks_leaves_turns_to_others() -> None:
    """They are all here at once; httpx hands them over without a pause."""
    chunks = b"".join(b"1\r\nx\r\n" for _ in range(1500)) + b"0\r\n\r\n"
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async with serving(says(OK + b"transfer-encoding: chunked\r\n\r\n" + chunks)) as server:
        await fetcher()(server.address)  # Whatever is imported is imported now.
        running = asyncio.create_task(others())
        document = await fetcher()(server.address)
        running.cancel()

    assert document.body == b"x" * 1500
    assert turns > 1500
