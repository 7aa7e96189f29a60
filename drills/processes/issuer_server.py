"""An issuer's documents over HTTP/1.1 on loopback, with every fault that a network can have.

It serves what it is told to and knows nothing of keys. By hand on asyncio, because no server
library breaks the protocol on purpose.
"""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Literal

from benchmarks.child_process import Json, commands, mouth

Manner = Literal["whole", "reset", "silent", "drip", "endless", "truncated"]
"""How a document is sent: as it should be, not at all (the connection is reset, or stays open),
a byte at a time, without an end, or cut off in the middle."""

DRIP_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Served:
    """What is answered at one address.

    Arguments:
        delay: seconds before the answer.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict[str, str])
    delay: float = 0.0
    manner: Manner = "whole"


_NOWHERE = Served(b"nothing here", status=404)


class Documents:
    """Serves documents by path, from `listen` to `hang_up`, which can be repeated.

    Arguments:
        requests: path, time of arrival and status of each request so far. All processes of a
            machine share the clock.
    """

    def __init__(self) -> None:
        self.served: dict[str, Served] = {}
        self.requests: list[tuple[str, float, int]] = []
        self.port = 0
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.StreamWriter] = set()

    async def listen(self) -> None:
        """Accept connections, always on the same port."""
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def hang_up(self) -> None:
        """Refuse connections from now on, and reset those that are open."""
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
            pass  # The other side has gone.
        finally:
            self._connections.discard(writer)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request_line, *lines = head.splitlines()
        path = request_line.split(" ")[1]
        asked = {
            name.lower(): value.strip() for name, _, value in (n.partition(":") for n in lines)
        }
        # What is served is settled on arrival, as at an issuer that rotates while it answers.
        served = self.served.get(path, _NOWHERE)
        etag = served.headers.get("ETag")
        if etag is not None and asked.get("if-none-match") == etag:
            served = Served(status=304, headers=served.headers, delay=served.delay)
        self.requests.append((path, time.monotonic(), served.status))
        await asyncio.sleep(served.delay)
        return await _send(served, reader, writer)


async def _send(served: Served, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Send the answer and return whether the connection can be used again."""
    if served.manner == "reset":
        writer.transport.abort()
        return False
    if served.manner == "silent":
        await reader.read()  # Until the other side gives up.
        return False
    headers = {"Content-Type": "application/json", **served.headers}
    if served.manner != "endless" and served.status != HTTPStatus.NOT_MODIFIED:
        headers["Content-Length"] = str(len(served.body))
    lines = [f"HTTP/1.1 {served.status} {HTTPStatus(served.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
    if served.manner == "truncated":
        writer.write(served.body[: len(served.body) // 2])
        await writer.drain()
        return False
    if served.manner == "drip":
        for number in range(len(served.body)):
            writer.write(served.body[number : number + 1])
            await writer.drain()
            await asyncio.sleep(DRIP_SECONDS)
        return True
    writer.write(served.body)
    await writer.drain()
    while served.manner == "endless":
        writer.write(b" " * 4096)
        await writer.drain()
        await asyncio.sleep(0)
    return True


async def _run() -> None:
    documents = Documents()
    await documents.listen()

    async def obey(command: Json) -> Any:
        match command.pop("do"):
            case "serve":
                path, body = command.pop("path"), command.pop("body").encode("latin-1")
                documents.served[path] = Served(body, **command)
            case "listen":
                await documents.listen()
            case "hang_up":
                documents.hang_up()
            case _:
                return documents.requests
        return None

    say = mouth()
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    say({"port": documents.port})
    obeying = asyncio.create_task(commands(obey, say))
    # Also when the parent has gone without a word.
    obeying.add_done_callback(lambda _: ended.set())
    await ended.wait()
    obeying.cancel()
    say({})


if __name__ == "__main__":
    asyncio.run(_run())
