"""Promise 14: a hostile client takes little memory of the API, and little time of its clients."""

import asyncio
import json
import resource
import socket
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from drills.parties import SystemUnderTest
from drills.processes.api import ApiProcess, running_api
from drills.results import DrillResult

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MIB = 1024 * 1024
MOST_MEMORY = 64.0
"""MiB that an attack may add."""

LONGEST_WAIT = 2.0
"""Seconds that another client may wait."""

SILENT = 4000
"""Connections; far more than the API keeps open without a request."""

Attack = Callable[[int, float], Coroutine[Any, Any, None]]
"""Takes the port of the API and how many seconds it lasts."""


async def _connection(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


@asynccontextmanager
async def _connections(port: int, number: int) -> AsyncGenerator[list[socket.socket], None]:
    clients = [await _connection(port) for _ in range(number)]
    try:
        yield clients
    finally:
        for client in clients:
            client.close()


async def _sent(port: int, data: bytes, seconds: float, *, copies: int = 1) -> None:
    """Send data on several connections and never read; keep them open for so many seconds."""
    loop = asyncio.get_running_loop()
    async with _connections(port, copies) as clients:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(loop.sock_sendall(client, data) for client in clients))
                await asyncio.sleep(seconds)


async def _dripped(port: int, begin: bytes, seconds: float) -> None:
    """Send one byte every tenth of a second."""
    client = await _connection(port)
    loop, ends = asyncio.get_running_loop(), time.monotonic() + seconds
    with suppress(OSError), client:
        await loop.sock_sendall(client, begin)
        while time.monotonic() < ends:
            await loop.sock_sendall(client, b"1")
            await asyncio.sleep(0.1)


async def _fields_in_pieces(port: int, seconds: float) -> None:
    """Send heads as large as the API reads, a hundred fields at a time, on 100 connections."""
    loop = asyncio.get_running_loop()
    async with _connections(port, 100) as clients:
        for piece in (GET[:-2], *[b"a:\r\n" * 100] * 80, b"\r\n"):
            for client in clients:
                with suppress(OSError):
                    await loop.sock_sendall(client, piece)
            await asyncio.sleep(0.05)
        await asyncio.sleep(seconds)


async def _connected(port: int, seconds: float) -> None:
    """Open 3,000 connections a second, send nothing, and keep the newest open."""
    began = time.monotonic()
    clients: deque[socket.socket] = deque(maxlen=SILENT)
    opened = 0
    while (elapsed := time.monotonic() - began) < seconds:
        for _ in range(int(3000 * elapsed) - opened):
            if len(clients) == SILENT:
                clients.popleft().close()
            with suppress(OSError):
                clients.append(await _connection(port))
            opened += 1
        await asyncio.sleep(0.01)
    for client in clients:
        client.close()


def _attacks() -> dict[str, Attack]:
    chunked = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    pipelined = GET * (13_000_000 // len(GET))
    fields = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 18_000 + b"\r\n"
    large = 8 * MIB
    return {
        "13 MB of pipelined requests, no response read": lambda p, s: _sent(p, pipelined, s),
        "100 connections with 18,000 header fields each": lambda p, s: _sent(
            p, fields, s, copies=100
        ),
        "100 connections with 8,000 header fields each, a hundred at a time": _fields_in_pieces,
        "a refused body in chunks of one byte": lambda p, s: _sent(
            p, chunked + b"1\r\na\r\n" * (large // 6), s, copies=10
        ),
        "3,000 new silent connections a second": _connected,
        f"{SILENT} silent connections": lambda p, s: _sent(p, b"", s, copies=SILENT),
        "20 connections that read none of their large responses": lambda p, s: _sent(
            p, GET.replace(b"/healthz", b"/openapi.json") * 1000, s, copies=20
        ),
        "a head, one byte every tenth of a second": lambda p, s: _dripped(p, GET[:-2] + b"X: ", s),
        "a body, one byte every tenth of a second": lambda p, s: _dripped(
            p, GET.replace(b"GET", b"POST")[:-2] + b"Content-Length: 99999999\r\n\r\n", s
        ),
        "a chunk extension of 8 MiB": lambda p, s: _sent(p, chunked + b"1;" + b"x" * large, s),
        "a trailer of 8 MiB": lambda p, s: _sent(p, chunked + b"0\r\nX: " + b"x" * large, s),
        "a chunk size of 8 MiB": lambda p, s: _sent(p, chunked + b"0" * large, s),
        "a path of 8 MiB": lambda p, s: _sent(p, b"GET /" + b"x" * large, s),
    }


async def hostile_clients(system: SystemUnderTest) -> list[DrillResult]:
    """14: under each attack, the memory of the API and the waiting time of another client."""
    # The API inherits the limit.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4 * SILENT), most))
    seconds = 2.0 if system.short else 6.0
    results: list[DrillResult] = []
    for name, attack in _attacks().items():
        async with running_api(system.folder) as api:
            results.append(await _under(name, attack, api, seconds))
    return results


async def _under(name: str, attack: Attack, api: ApiProcess, seconds: float) -> DrillResult:
    await _response_seconds(api.port)
    before = most = api.memory()
    attacking = asyncio.create_task(attack(api.port, seconds))
    longest, unserved = 0.0, 0
    while not attacking.done():
        waited = await _response_seconds(api.port)
        longest, unserved = max(longest, waited or 0.0), unserved + (waited is None)
        most = max(most, api.memory())
        await asyncio.sleep(0.02)
    await attacking
    grown = most - before
    return DrillResult(
        14,
        name,
        f"memory +{grown:.1f} MiB; another client waits at most {1000 * longest:.0f} ms, is not "
        f"served {unserved} times",
        f"less than {MOST_MEMORY:.0f} MiB; {LONGEST_WAIT:.0f} s; 0 times",
        grown < MOST_MEMORY and longest < LONGEST_WAIT and not unserved,
    )


async def _response_seconds(port: int) -> float | None:
    """Return how long a valid request takes, or None if the API does not serve it."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(15):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            response = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = response.partition(b"\r\n\r\n")
    served = head.startswith(b"HTTP/1.1 200") and json.loads(body)["status"] == "ok"
    return time.monotonic() - began if served else None
