"""The program of an issuer: serves documents over HTTP/1.1 on loopback, with faults on request.

Written on asyncio by hand, because no server library breaks the protocol on purpose.
"""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from benchmarks.child_process import Json, answer_commands, line_writer

Manner = Literal["whole", "reset", "silent", "drip", "endless", "truncated"]
"""How a document is sent: whole, not at all (the connection is reset, or stays open), a byte at a
time, without an end, or cut off in the middle."""

DRIP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Document:
    """The response at one path.

    Arguments:
        delay: seconds before the response.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    manner: Manner = "whole"


_NOT_FOUND = Document(b"nothing here", status=404)


class DocumentServer:
    """Serves documents by path. `listen` and `hang_up` can be repeated.

    Arguments:
        requests: path, time of arrival and status of each request so far.
    """

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.requests: list[tuple[str, float, int]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        """Accept connections, always on the same port."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def hang_up(self) -> None:
        """Refuse new connections, and reset those that are open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._connections:
            writer.transport.abort()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The client closed the connection.
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.splitlines()
        path = request_line.split(" ")[1]
        headers = {
            name.lower(): value.strip() for name, _, value in (n.partition(":") for n in lines)
        }
        # The document is chosen before the delay, as by an issuer that rotates while it responds.
        document = self.documents.get(path, _NOT_FOUND)
        etag = document.headers.get("ETag")
        if etag is not None and headers.get("if-none-match") == etag:
            document = Document(status=304, headers=document.headers, delay=document.delay)
        self.requests.append((path, time.monotonic(), document.status))
        await asyncio.sleep(document.delay)
        return await _send(document, reader, writer)


async def _send(
    document: Document, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bool:
    """Send the response; return whether the connection can be used again."""
    if document.manner == "reset":
        writer.transport.abort()
        return False
    if document.manner == "silent":
        await reader.read()  # Until the client closes the connection.
        return False
    headers = {"Content-Type": "application/json", **document.headers}
    if document.manner != "endless" and document.status != HTTPStatus.NOT_MODIFIED:
        headers["Content-Length"] = str(len(document.body))
    lines = [f"HTTP/1.1 {document.status} {HTTPStatus(document.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if document.manner == "truncated":
        writer.write(document.body[: len(document.body) // 2])
        await writer.drain()
        return False
    if document.manner == "drip":
        for number in range(len(document.body)):
            writer.write(document.body[number : number + 1])
            await writer.drain()
            await asyncio.sleep(DRIP_SECONDS)
        return True
    writer.write(document.body)
    await writer.drain()
    while document.manner == "endless":
        writer.write(b" " * 4096)
        await writer.drain()
        await asyncio.sleep(0)
    return True


async def _run() -> None:
    server = DocumentServer()
    await server.listen()

    async def execute(command: Json) -> Any:
        match command.pop("do"):
            case "serve":
                path, body = command.pop("path"), command.pop("body").encode("latin-1")
                server.documents[path] = Document(body, **command)
            case "listen":
                await server.listen()
            case "hang_up":
                server.hang_up()
            case _:
                return server.requests
        return None

    write = line_writer()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    write({"port": server.port})
    answering = asyncio.create_task(answer_commands(execute, write))
    # The input also ends when the parent has died.
    answering.add_done_callback(lambda _: ended.set())
    await ended.wait()
    answering.cancel()
    write({})


if __name__ == "__main__":
    asyncio.run(_run())
