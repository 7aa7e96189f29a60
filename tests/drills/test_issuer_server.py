"""The issuer of the drills serves documents with the faults that the drills ask for."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from drills.processes.issuer_server import Document, DocumentServer


@pytest.fixture
async def server() -> AsyncIterator[DocumentServer]:
    server = DocumentServer()
    await server.listen()
    yield server
    server.hang_up()


class Connection:
    """One connection, closed at the end of the block."""

    def __init__(self, server: DocumentServer) -> None:
        self._server = server

    async def __aenter__(self) -> "Connection":
        port = self._server.port
        self.reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    def request(self, path: str = "/keys", *lines: str) -> None:
        """Send a request."""
        request = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
        self._writer.write(request.encode())

    async def head(self) -> list[str]:
        """Return the status line and the headers."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]


async def test_two_documents_are_served_on_one_connection(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", headers={"Cache-Control": "max-age=1"})
    async with Connection(server) as connection:
        for _ in range(2):
            connection.request()

            assert await connection.head() == [
                "HTTP/1.1 200 OK",
                "Content-Type: application/json",
                "Cache-Control: max-age=1",
                "Content-Length: 2",
            ]
            assert await connection.reader.readexactly(2) == b"{}"
    assert [(path, status) for path, _, status in server.requests] == [("/keys", 200)] * 2


async def test_an_unknown_path_is_answered_with_404(server: DocumentServer) -> None:
    async with Connection(server) as connection:
        connection.request("/other")

        assert (await connection.head())[0] == "HTTP/1.1 404 Not Found"


async def test_a_matching_etag_is_answered_with_304_and_no_body(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", headers={"ETag": '"one"'})
    async with Connection(server) as connection:
        connection.request("/keys", 'If-None-Match: "one"')

        head = await connection.head()
        assert head[0] == "HTTP/1.1 304 Not Modified"
        assert not any(line.startswith("Content-Length") for line in head)
        assert server.requests[0][2] == 304


async def test_a_delayed_response_is_the_document_at_arrival(
    server: DocumentServer,
) -> None:
    server.documents["/keys"] = Document(b"old", delay=0.01)
    async with Connection(server) as connection:
        connection.request()
        while not server.requests:  # noqa: ASYNC110 (the server has no event to wait for)
            await asyncio.sleep(0)
        server.documents["/keys"] = Document(b"new")

        await connection.head()
        assert await connection.reader.readexactly(3) == b"old"


async def test_a_reset_connection_delivers_nothing(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", manner="reset")
    async with Connection(server) as connection:
        connection.request()

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await connection.head()


async def test_a_silent_server_keeps_the_connection_open(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", manner="silent")
    async with Connection(server) as connection:
        connection.request()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connection.reader.read(1), 0.05)


async def test_a_dripping_server_sends_one_byte_at_a_time(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", manner="drip")
    async with Connection(server) as connection:
        connection.request()

        assert "Content-Length: 2" in await connection.head()
        assert await connection.reader.read(100) == b"{"


async def test_a_truncated_body_is_shorter_than_its_content_length(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{....}", manner="truncated")
    async with Connection(server) as connection:
        connection.request()

        assert "Content-Length: 6" in await connection.head()
        assert await connection.reader.read() == b"{.."


async def test_an_endless_body_has_no_content_length_and_no_end(server: DocumentServer) -> None:
    server.documents["/keys"] = Document(b"{}", manner="endless")
    async with Connection(server) as connection:
        connection.request()

        assert not any(line.startswith("Content-Length") for line in await connection.head())
        assert len(await connection.reader.readexactly(2**20)) == 2**20


async def test_a_server_that_hung_up_listens_again_on_the_same_port(server: DocumentServer) -> None:
    port = server.port
    server.hang_up()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)

    await server.listen()

    async with Connection(server) as connection:
        connection.request()
        assert (await connection.head())[0] == "HTTP/1.1 404 Not Found"
