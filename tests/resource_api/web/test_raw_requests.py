"""Request smuggling against the real process: each sequence of bytes has one reading or is refused.

The tests send raw bytes to `python -m resource_api`.
"""

import socket
from collections.abc import Generator

import pytest

from tests.support.api_process import DEADLINE, ApiProcess
from tests.support.raw_server import CHUNKED, GET, LAST

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"
POST = HEALTH.replace(b"GET", b"POST")
INNER = b"GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"
"""The server would answer 401 if it took this for a request of its own."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Generator[ApiProcess]:
    with ApiProcess(
        tmp_path_factory.mktemp("raw"),
        ISSUER="https://issuer.example/",
        AUDIENCE="https://api.example",
        JWKS_URI="http://127.0.0.1:1/",  # no server listens there; these tests need no keys
    ) as process:
        yield process


def statuses(server: ApiProcess, request: bytes) -> list[int]:
    """Return the statuses of all answers until the server closes the connection."""
    with socket.create_connection(server.address, DEADLINE) as connection:
        connection.sendall(request)
        answer = connection.makefile("rb").read()
    # An answer begins directly after the JSON of the one before it.
    return [int(part[2:5]) for part in answer.split(b"HTTP/1.")[1:]]


def sized(length: int, fields: bytes = b"") -> bytes:
    """Return the head of a request whose body has `length` bytes."""
    return b"%sConnection: close\r\n%sContent-Length: %d\r\n\r\n" % (POST, fields, length)


@pytest.mark.parametrize(
    ("request_bytes", "expected"),
    [
        pytest.param(HEALTH + LAST, [200], id="valid"),
        pytest.param(HEALTH + b"\r\n" + GET + LAST, [200, 401], id="two-valid"),
        pytest.param(b"GET /healthz HTTP/1.0\r\n\r\n", [200], id="http-1.0"),
        pytest.param(b"GET /healthz\r\n\r\n", [400], id="http-0.9"),
        pytest.param(HEALTH.replace(b"1.1", b"0.9") + b"\r\n", [505], id="http-0.9-by-name"),
        pytest.param(HEALTH.replace(b"1.1", b"2.0") + b"\r\n", [505], id="http-2.0"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", [505], id="http-2-preface"),
        pytest.param(b"GET /healthz HTTP/1.1\r\n\r\n", [400], id="no-host"),
        pytest.param(HEALTH + b"Host: x\r\n\r\n", [400], id="two-hosts"),
        pytest.param(CHUNKED.replace(b"chunked", b"gzip, chunked"), [501], id="gzip"),
        pytest.param(CHUNKED.replace(b"chunked", b"identity") + INNER, [501], id="identity"),
        pytest.param(
            sized(len(INNER), b"Transfer-Encoding: chunked\r\n") + b"0\r\n\r\n" + INNER,
            [400],
            id="length-and-chunked",
        ),
        pytest.param(
            sized(0, b"Content-Length: %d\r\n" % len(INNER)) + INNER, [400], id="two-lengths"
        ),
        pytest.param(sized(len(INNER)) + INNER, [405], id="a-body-that-the-endpoint-does-not-read"),
        pytest.param(
            sized(len(INNER), b"Connection: upgrade\r\nUpgrade: h2c\r\n") + INNER,
            [405],
            id="an-upgrade-with-a-body",
        ),
        pytest.param(
            CHUNKED.replace(b"/", b"/healthz", 1) + b"0\r\nHost: y\r\n\r\n" + HEALTH + LAST,
            [405, 200],
            id="a-trailer",
        ),
        pytest.param(HEALTH + b"x:\r\n" * 18_000 + b"\r\n", [431], id="very-many-fields"),
        pytest.param(HEALTH + b"x: " + b"y" * 50_000 + b"\r\n\r\n", [431], id="a-large-field"),
    ],
)
def test_a_request_has_one_reading_or_is_refused(
    server: ApiProcess, request_bytes: bytes, expected: list[int]
) -> None:
    assert statuses(server, request_bytes) == expected


def test_an_access_token_in_a_trailer_is_ignored(server: ApiProcess) -> None:
    request = CHUNKED.replace(b"/", b"/contacts", 1).replace(b"Host", b"Connection: close\r\nHost")
    field = b"Authorization: Bearer\r\n"  # 400 as a header field; 401 if it is absent

    assert statuses(server, request.replace(b"Host", field + b"Host") + b"0\r\n\r\n") == [400]
    assert statuses(server, request + b"0\r\n%s\r\n" % field) == [401]
