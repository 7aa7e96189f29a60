"""Promise 14: one hostile client costs the API little memory, and the others little time."""

import asyncio
import json
import os
import resource
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child_process import ROOT
from drills.system_under_test import Bench, Figure

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
MIB = 1024 * 1024
MOST_MEMORY = 64.0
"""MiB that a drill may add."""

LONGEST_WAIT = 2.0
"""Seconds that another client may wait."""

SILENT = 4096
"""Connections; far more than the API lets wait."""

Attack = Callable[[int, float], Coroutine[Any, Any, None]]


@dataclass(slots=True)
class Api:
    """A real `python -m resource_api`."""

    process: asyncio.subprocess.Process
    port: int

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(
            int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmRSS")
        )


@asynccontextmanager
async def _api(folder: Path) -> AsyncGenerator[Api]:
    jwks_uri = "http://127.0.0.1:1/keys"  # Nobody is there; /healthz needs no keys.
    settings = {
        "ISSUER": "http://127.0.0.1:1/",
        "AUDIENCE": "https://api.example/contacts",
        "JWKS_URI": jwks_uri,
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/clients.sqlite3",
    }
    environment = {
        **os.environ,
        **{f"RESOURCE_API_{name}": text for name, text in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "resource_api"),
        cwd=os.environ.get("RESOURCE_API_CHECKOUT", str(ROOT)),
        env=environment,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Api(process, await asyncio.wait_for(_port(process), 30))
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    if process.stderr is None:
        raise RuntimeError("the process was started without a pipe")
    async for line in process.stderr:
        if b"listening on" in line:
            drained = asyncio.create_task(_drained(process.stderr))
            _DRAINING.add(drained)
            drained.add_done_callback(_DRAINING.discard)
            return int(line.rpartition(b":")[2])
    raise RuntimeError("the API did not start")


_DRAINING: set[asyncio.Task[None]] = set()


async def _drained(log: asyncio.StreamReader) -> None:
    while await log.read(MIB):
        pass


async def _connection(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, ("127.0.0.1", port))
    return client


async def _sent(port: int, data: bytes, seconds: float, *, copies: int = 1) -> None:
    """Send and never read, on several connections, and stay for a while."""
    clients = [await _connection(port) for _ in range(copies)]
    try:
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(seconds):
                loop = asyncio.get_running_loop()
                await asyncio.gather(*(loop.sock_sendall(client, data) for client in clients))
                await asyncio.sleep(seconds)
    finally:
        for client in clients:
            client.close()


async def _dripped(port: int, begin: bytes, seconds: float) -> None:
    """Send a byte a tenth of a second."""
    client = await _connection(port)
    loop, ends = asyncio.get_running_loop(), time.monotonic() + seconds
    with suppress(OSError), client:
        await loop.sock_sendall(client, begin)
        while time.monotonic() < ends:
            await loop.sock_sendall(client, b"1")
            await asyncio.sleep(0.1)


async def _fields_in_pieces(port: int, seconds: float) -> None:
    """Send heads of as many fields as a head may have bytes, a hundred at a time, on many
    connections; and end them all at once.
    """
    clients = [await _connection(port) for _ in range(100)]
    loop = asyncio.get_running_loop()
    pieces = [GET[:-2], *[b"a:\r\n" * 100] * 80, b"\r\n"]
    for piece in pieces:
        for client in clients:
            with suppress(OSError):
                await loop.sock_sendall(client, piece)
        await asyncio.sleep(0.05)
    await asyncio.sleep(seconds)
    for client in clients:
        client.close()


async def _connected(port: int, seconds: float) -> None:
    """Open 5,000 connections a second, leave them silent, and keep the last ones."""
    began = time.monotonic()
    clients: deque[socket.socket] = deque(maxlen=SILENT)
    opened = 0
    while (passed := time.monotonic() - began) < seconds:
        for _ in range(int(5000 * passed) - opened):
            if len(clients) == SILENT:
                clients.popleft().close()
            with suppress(OSError):
                clients.append(await _connection(port))
            opened += 1
        await asyncio.sleep(0.01)
    for client in clients:
        client.close()


def _attacks(scale: float) -> dict[str, Attack]:
    chunked = b"POST /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    pipelined = GET * int(13_000_000 * scale / len(GET))
    fields = b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"a:\r\n" * 18_000 + b"\r\n"
    large = int(8 * MIB * scale)
    return {
        "13 MB of pipelined requests, unread": lambda p, s: _sent(p, pipelined, s),
        "100 connections with 18,000 header fields each": lambda p, s: _sent(
            p, fields, s, copies=100
        ),
        "100 connections with 8,000 header fields each, in pieces": _fields_in_pieces,
        "a refused body in endless chunks of one byte": lambda p, s: _sent(
            p, chunked + b"1\r\na\r\n" * (large // 6), s, copies=10
        ),
        "5,000 silent connections more each second": _connected,
        f"{SILENT} silent connections": lambda p, s: _sent(p, b"", s, copies=SILENT),
        "20 connections that read none of their large answers": lambda p, s: _sent(
            p, GET.replace(b"/healthz", b"/openapi.json") * 1000, s, copies=20
        ),
        "a head of a byte a tenth of a second": lambda p, s: _dripped(p, GET[:-2] + b"X: ", s),
        "a body of a byte a tenth of a second": lambda p, s: _dripped(
            p, GET.replace(b"GET", b"POST")[:-2] + b"Content-Length: 99999999\r\n\r\n", s
        ),
        "an endless chunk extension": lambda p, s: _sent(p, chunked + b"1;" + b"x" * large, s),
        "an endless trailer": lambda p, s: _sent(p, chunked + b"0\r\nX: " + b"x" * large, s),
        "an endless size of a chunk": lambda p, s: _sent(p, chunked + b"0" * large, s),
        "an endless path": lambda p, s: _sent(p, b"GET /" + b"x" * large, s),
    }


async def hostile_clients(bench: Bench) -> list[Figure]:
    """14: memory and the time that a second client waits, under each attack."""
    # Of both processes; the API's is made by this one.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4 * SILENT), most))
    seconds = 2.0 if bench.short else 6.0
    figures: list[Figure] = []
    for name, attack in _attacks(1.0).items():
        async with _api(bench.folder) as api:
            figures.append(await _under(name, attack, api, seconds))
    return figures


async def _under(name: str, attack: Attack, api: Api, seconds: float) -> Figure:
    await _answered(api.port)
    before = most = api.memory()
    attacking = asyncio.create_task(attack(api.port, seconds))
    longest, failed = 0.0, 0
    while not attacking.done():
        waited = await _answered(api.port)
        longest, failed = max(longest, waited or 0.0), failed + (waited is None)
        most = max(most, api.memory())
        await asyncio.sleep(0.02)
    await attacking
    grown = most - before
    return Figure(
        14,
        name,
        f"memory +{grown:.1f} MiB; another client waits {1000 * longest:.0f} ms at most, is "
        f"refused {failed} times",
        f"{MOST_MEMORY:.0f} MiB; {LONGEST_WAIT:.0f} s; 0 times",
        grown < MOST_MEMORY and longest < LONGEST_WAIT and not failed,
    )


async def _answered(port: int) -> float | None:
    """Return the seconds that a good request takes, or None if it is not answered."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(15):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            answer = await reader.read()
            writer.close()
    except (OSError, TimeoutError):
        return None
    head, _, body = answer.partition(b"\r\n\r\n")
    good = head.startswith(b"HTTP/1.1 200") and json.loads(body)["status"] == "ok"
    return time.monotonic() - began if good else None
