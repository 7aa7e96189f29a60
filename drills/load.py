"""Requests over keep-alive connections: all at once, as fast as they go, or at a fixed rate."""

import asyncio
import gc
import math
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

_PATIENCE = 10.0
"""Seconds; a caller who has no answer by then is counted as one who got none."""

BOUND = 1.5
"""Of the p99 with an event, as a multiple of that without."""

STALL = 10.0
"""A ratio that no noise makes: to measure it again would change nothing."""

SERIES = 3
"""A busy machine makes the ratio of two percentiles jump; a stall is there in each series."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Arguments:
        status: 0 if nothing came.
        seconds: how long it took.
        fault: why nothing came.
    """

    status: int
    seconds: float
    headers: dict[str, str] = field(default_factory=dict[str, str])
    fault: str = ""


class Client:
    """One keep-alive connection, made anew when it has broken."""

    def __init__(self, port: int, *, patience: float = _PATIENCE) -> None:
        self._port = port
        self._patience = patience
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def __aenter__(self) -> Self:
        self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave, whatever was asked."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def get(self, token: str, *, since: float | None = None) -> Answer:
        """Ask for the contacts; the time counts from `since`, or from now."""
        since = time.monotonic() if since is None else since
        try:
            status, headers = await asyncio.wait_for(self._exchange(token), self._patience)
        except (OSError, EOFError) as err:
            self.close()
            return Answer(0, time.monotonic() - since, fault=type(err).__name__)
        return Answer(status, time.monotonic() - since, headers)

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


async def one(port: int, token: str) -> Answer:
    """Send one request."""
    async with Client(port) as client:
        return await client.get(token)


async def burst(port: int, tokens: Sequence[str]) -> list[Answer]:
    """Send all tokens at the same moment, each on a connection that was open before."""
    clients = [Client(port) for _ in tokens]
    for client in clients:
        await client.__aenter__()
    try:
        return await asyncio.gather(
            *(client.get(token) for client, token in zip(clients, tokens, strict=True))
        )
    finally:
        for client in clients:
            client.close()


async def hurried(port: int, tokens: Iterable[str], *, connections: int = 8) -> list[Answer]:
    """Send the tokens one after the other on each connection, as fast as they are answered."""
    queue = iter(tokens)
    answers: list[Answer] = []

    async def connection() -> None:
        async with Client(port) as client:
            for token in queue:
                answers.append(await client.get(token))

    await asyncio.gather(*(connection() for _ in range(connections)))
    return answers


async def paced(
    port: int, tokens: Sequence[str], *, rate: float, connections: int = 32
) -> list[Answer]:
    """Send the tokens at a fixed total rate, whether the answers come or not.

    A request that could not be sent when it was due, because its connection still waited, counts
    from when it was due: a stall is felt by all requests that it delays.
    """
    answers: list[Answer] = []

    async def connection(number: int) -> None:
        async with Client(port) as client:
            for turn in range(number, len(tokens), connections):
                due = start + turn / rate
                wait = due - time.monotonic()
                if wait > 0:
                    await asyncio.sleep(wait)
                answers.append(await client.get(tokens[turn], since=due if wait < 0 else None))

    # A collection of garbage in this process would look like a stall in the other.
    gc.collect()
    gc.disable()
    start = time.monotonic() + 0.05
    try:
        await asyncio.gather(*(connection(number) for number in range(connections)))
    finally:
        gc.enable()
    return answers


def p99(answers: Sequence[Answer]) -> float:
    """Return the seconds within which 99 of 100 answers came."""
    times = sorted(answer.seconds for answer in answers)
    return times[math.ceil(0.99 * len(times)) - 1]


def statuses(answers: Iterable[Answer]) -> str:
    """Return how often which status came, for a person."""
    counted = Counter(str(a.status) if a.status else f"no answer ({a.fault})" for a in answers)
    return ", ".join(f"{count} x {what}" for what, count in sorted(counted.items()))


def all_are(status: int, answers: Sequence[Answer]) -> bool:
    """Return whether every answer has this status."""
    return all(answer.status == status for answer in answers)
