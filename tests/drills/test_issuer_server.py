"""The faults that the drills rely on are what their names say."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from drills.processes.issuer_server import Documents, Served


@pytest.fixture
async def documents() -> AsyncIterator[Documents]:
    served = Documents()
    await served.listen()
    yield served
    served.hang_up()


class Caller:
    """One connection, closed at the end of the block."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def __aenter__(self) -> "Caller":
        port = self._documents.port
        self.reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()

    def ask(self, path: str = "/keys", *lines: str) -> None:
        """Send a request."""
        request = "\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost", *lines, "", ""])
        self._writer.write(request.encode())

    async def head(self) -> list[str]:
        """Return the lines in front of the body."""
        return (await self.reader.readuntil(b"\r\n\r\n")).decode().splitlines()[:-1]


async def test_a_document_is_served_on_a_connection_that_stays(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", headers={"Cache-Control": "max-age=1"})
    async with Caller(documents) as caller:
        for _ in range(2):
            caller.ask()

            assert await caller.head() == [
                "HTTP/1.1 200 OK",
                "Content-Type: application/json",
                "Cache-Control: max-age=1",
                "Content-Length: 2",
            ]
            assert await caller.reader.readexactly(2) == b"{}"
    assert [(path, status) for path, _, status in documents.requests] == [("/keys", 200)] * 2


async def test_what_is_not_served_is_not_found(documents: Documents) -> None:
    async with Caller(documents) as caller:
        caller.ask("/other")

        assert (await caller.head())[0] == "HTTP/1.1 404 Not Found"


async def test_a_known_etag_is_answered_with_304_and_no_body(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", headers={"ETag": '"one"'})
    async with Caller(documents) as caller:
        caller.ask("/keys", 'If-None-Match: "one"')

        head = await caller.head()
        assert head[0] == "HTTP/1.1 304 Not Modified"
        assert not any(line.startswith("Content-Length") for line in head)
        assert documents.requests[0][2] == 304


async def test_a_delayed_answer_is_the_one_of_its_arrival(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"old", delay=0.01)
    async with Caller(documents) as caller:
        caller.ask()
        while not documents.requests:  # noqa: ASYNC110 (the issuer has no event to wait for)
            await asyncio.sleep(0)
        documents.served["/keys"] = Served(b"new")

        await caller.head()
        assert await caller.reader.readexactly(3) == b"old"


async def test_a_reset_connection_brings_nothing(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", manner="reset")
    async with Caller(documents) as caller:
        caller.ask()

        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await caller.head()


async def test_silence_is_a_connection_that_stays_open(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", manner="silent")
    async with Caller(documents) as caller:
        caller.ask()

        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.reader.read(1), 0.05)


async def test_a_drip_is_one_byte_at_a_time(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", manner="drip")
    async with Caller(documents) as caller:
        caller.ask()

        assert "Content-Length: 2" in await caller.head()
        assert await caller.reader.read(100) == b"{"


async def test_a_truncated_body_ends_before_its_length(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{....}", manner="truncated")
    async with Caller(documents) as caller:
        caller.ask()

        assert "Content-Length: 6" in await caller.head()
        assert await caller.reader.read() == b"{.."


async def test_an_endless_body_has_no_length_and_no_end(documents: Documents) -> None:
    documents.served["/keys"] = Served(b"{}", manner="endless")
    async with Caller(documents) as caller:
        caller.ask()

        assert not any(line.startswith("Content-Length") for line in await caller.head())
        assert len(await caller.reader.readexactly(2**20)) == 2**20


async def test_who_hung_up_can_be_reached_again_at_the_same_place(documents: Documents) -> None:
    port = documents.port
    documents.hang_up()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)

    await documents.listen()

    async with Caller(documents) as caller:
        caller.ask()
        assert (await caller.head())[0] == "HTTP/1.1 404 Not Found"
