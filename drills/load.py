"""Sends requests over keep-alive connections: all at once, without pause, or at a fixed rate."""

import asyncio
import gc
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Self

_TIMEOUT = 10.0
"""Seconds; a later response counts as none."""

HIGHEST_RATIO = 1.5
"""Of the p99 with an event to the p99 without."""

STALL = 10.0
"""Noise does not cause a ratio as high as this, so it is not measured again."""

SERIES = 3
"""Measurements at most: noise raises the ratio in one of them, a stall in all."""


@dataclass(frozen=True, slots=True)
class Response:
    """The response to one request.

    Arguments:
        status: 0 if there was no response.
        seconds: how long it took.
        error: why there was no response.
    """

    status: int
    seconds: float
    headers: dict[str, str] = field(default_factory=dict[str, str])
    error: str = ""


class Client:
    """One keep-alive connection. It reconnects after an error."""

    def __init__(self, port: int, *, timeout: float = _TIMEOUT) -> None:
        self._port = port
        self._timeout = timeout
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, even if a response is due."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def get(self, token: str, *, since: float | None = None) -> Response:
        """Request the contacts; the response time counts from `since`, or from now."""
        since = time.monotonic() if since is None else since
        try:
            status, headers = await asyncio.wait_for(self._exchange(token), self._timeout)
        except (OSError, EOFError) as err:
            self.close()
            return Response(0, time.monotonic() - since, error=type(err).__name__)
        return Response(status, time.monotonic() - since, headers)

    async def _exchange(self, token: str) -> tuple[int, dict[str, str]]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(
            b"GET /contacts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "
            + token.encode()
            + b"\r\n\r\n"
        )
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        status_line, *lines = head.rstrip().splitlines()
        headers = {
            name.lower(): value.strip()
            for name, _, value in (line.partition(":") for line in lines)
        }
        await reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection") == "close":
            self.close()
        return int(status_line.split(" ")[1]), headers


async def send(port: int, token: str, *, timeout: float = _TIMEOUT) -> Response:  # noqa: ASYNC109
    """Send one request on a connection of its own."""
    async with Client(port, timeout=timeout) as client:
        return await client.get(token)


async def send_at_once(port: int, tokens: Sequence[str]) -> list[Response]:
    """Send all tokens at the same moment, each on a connection that was opened before."""
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(Client(port)) for _ in tokens]
        return await asyncio.gather(*map(Client.get, clients, tokens))


async def send_without_pause(
    port: int, tokens: Iterable[str], *, connections: int = 8
) -> list[Response]:
    """Send the tokens; each connection sends the next as soon as it has a response."""
    queue = iter(tokens)
    responses: list[Response] = []

    async def connection() -> None:
        async with Client(port) as client:
            for token in queue:
                responses.append(await client.get(token))

    await asyncio.gather(*(connection() for _ in range(connections)))
    return responses


async def send_at_rate(
    port: int, tokens: Sequence[str], *, rate: float, connections: int = 32
) -> list[Response]:
    """Send so many tokens a second in all, even while responses are late.

    If its connection still waits for a response when a request is due, its response time counts
    from then: a stall slows every request that it delays.
    """
    responses: list[Response] = []

    async def connection(number: int) -> None:
        async with Client(port) as client:
            for turn in range(number, len(tokens), connections):
                due = start + turn / rate
                wait = due - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                responses.append(await client.get(tokens[turn], since=due if wait < 0 else None))

    # Garbage collection in this process would look like a stall of the application.
    gc.collect()
    gc.disable()
    start = time.monotonic() + 0.05
    try:
        await asyncio.gather(*(connection(number) for number in range(connections)))
    finally:
        gc.enable()
    return responses


def p99(responses: Sequence[Response]) -> float:
    """Return the seconds within which 99 of 100 responses arrived."""
    times = sorted(response.seconds for response in responses)
    return times[math.ceil(0.99 * len(times)) - 1]


def status_counts(responses: Iterable[Response]) -> str:
    """Return how often each status occurred, for a reader."""
    counts = Counter(str(r.status) if r.status else f"no response ({r.error})" for r in responses)
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


def all_are(status: int, responses: Sequence[Response]) -> bool:
    """Return whether every response has this status."""
    return all(response.status == status for response in responses)
