"""An issuer and one application that trusts it, each a process of its own, for one drill."""

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.child_process import Child, Json
from benchmarks.tokens import AUDIENCE, SigningKey, forged
from drills import load
from drills.processes.issuer_server import Served

OURS = "asgi_bearer"

JWKS = "/keys"
METADATA = "/.well-known/oauth-authorization-server"

_LIFETIMES = (60.0, 300.0, 600.0, 900.0, 3600.0, 86_400.0)
"""Those that are found in the field, in seconds."""

_logs = count()


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of the table.

    Arguments:
        drill: what was done.
        measured, bound: for a person.
    """

    promise: int
    drill: str
    measured: str
    bound: str
    passed: bool


class Issuer:
    """The issuer's process, and the keys that are in its set."""

    def __init__(self, child: Child, path: str = "") -> None:
        self._child = child
        self.origin = f"http://127.0.0.1:{child.hello['port']}"
        self.identifier = self.origin + path
        self.jwks_uri = self.origin + JWKS
        self._numbers = count()
        self.keys = [self.new_key()]

    def new_key(self, kid: str | None = None) -> SigningKey:
        """Return a key that this issuer never had."""
        number = next(self._numbers)
        return SigningKey(kid or f"key-{number}", number)

    async def serve(self, path: str, served: Served) -> None:
        """Answer with `served` at `path` from now on."""
        await self._child.ask(
            do="serve",
            path=path,
            body=served.body.decode("latin-1"),
            status=served.status,
            headers=served.headers,
            delay=served.delay,
            manner=served.manner,
        )

    def jwks(self, *others: object) -> bytes:
        """Return the key set document, with further entries."""
        return json.dumps({"keys": [*(key.jwk() for key in self.keys), *others]}).encode()

    async def publish(
        self, *keys: SigningKey, delay: float = 0.0, headers: dict[str, str] | None = None
    ) -> None:
        """Serve these keys, or those of before, and nothing but them."""
        self.keys = list(keys) or self.keys
        await self.serve(JWKS, Served(self.jwks(), delay=delay, headers=headers or {}))

    async def publish_metadata(self, path: str = METADATA, **changes: object) -> None:
        """Serve the metadata at one of the well-known places."""
        metadata = {"issuer": self.identifier, "jwks_uri": self.jwks_uri, **changes}
        await self.serve(path, Served(json.dumps(metadata).encode()))

    async def hang_up(self) -> None:
        """Refuse connections from now on."""
        await self._child.ask(do="hang_up")

    async def listen(self) -> None:
        """Accept connections again."""
        await self._child.ask(do="listen")

    async def requests(self, path: str | None = None) -> list[tuple[str, float, int]]:
        """Return path, time and status of each request, or of those to `path`."""
        requests: list[tuple[str, float, int]] = await self._child.ask(do="requests")
        return [request for request in requests if path in (None, request[0])]

    async def fetches(self) -> int:
        """Return how often the keys were asked for."""
        return len(await self.requests(JWKS))

    def token(self, key: SigningKey | None = None, **header: str) -> str:
        """Return a good token, by the first key if none is named."""
        return (key or self.keys[0]).token(self.identifier, **header)

    def forged(self, kid: str) -> str:
        """Return a token that this issuer never signed."""
        return forged(self.identifier, kid)


class Worker:
    """The application's process."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self.ports: list[int] = child.hello["ports"]
        self.port = self.ports[0]

    async def advance(self, seconds: float) -> None:
        """Move its clock."""
        await self._child.ask(do="advance", seconds=seconds)

    async def status(self) -> Json:
        """Return what the key source says of itself; empty if it says nothing."""
        status: Json | None = await self._child.ask(do="status")
        return status or {}

    async def peak_bytes(self) -> int:
        """Return the most memory that it ever had."""
        peak: int = await self._child.ask(do="peak_bytes")
        return peak

    def freeze(self) -> None:
        """Stop it until it is told to go on."""
        self._child.signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it run again."""
        self._child.signal(signal.SIGCONT)

    async def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        used: float = await self._child.ask(do="cpu_seconds")
        return used

    async def end(self) -> tuple[float, list[str], str]:
        """End it; return the seconds that took, the tasks that were left, and its log."""
        seconds, words = await self._child.end()
        return seconds, words.get("left", ["it gave no account"]), self.log

    @property
    def log(self) -> str:
        """What it wrote to standard error."""
        return self._child.log.read_text(errors="replace")


@dataclass(frozen=True, slots=True)
class Stage:
    """What a drill plays on."""

    issuer: Issuer
    worker: Worker

    async def get(self, token: str | None = None) -> load.Answer:
        """Send one request, with a good token if none is given."""
        return await load.one(self.worker.port, token or self.issuer.token())

    async def good(self) -> None:
        """Send a good request that must succeed, so that there are keys."""
        if (answer := await self.get()).status != 200:
            raise RuntimeError(f"a good token was answered with {answer.status}")

    async def fetched(self, number: int) -> bool:
        """Wait a moment until the keys were asked for `number` times in all."""
        return await within(3.0, partial(self.asked, number))

    async def asked(self, number: int) -> bool:
        """Return whether the keys were asked for `number` times in all, or more."""
        return await self.issuer.fetches() >= number

    async def seconds_until(self, status: int, token: str, *, at_most: int) -> int | None:
        """Move the clock by seconds until `token` has this answer, and return how many."""
        for seconds in range(at_most + 1):
            if (await self.get(token)).status == status:
                return seconds
            await self.worker.advance(1)
            # A fetch that this request began behind itself takes a moment of real time.
            await asyncio.sleep(0.005)
        return None


async def within(seconds: float, true: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether something becomes true in time."""
    deadline = time.monotonic() + seconds
    while not await true():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


@dataclass
class Bench:
    """Makes stages for one system under test.

    Arguments:
        adapter: a module of `benchmarks.peers`.
        python: the interpreter that it needs.
        short: as few requests as will do.
        folder: for the logs.
    """

    adapter: str
    folder: Path
    python: Path = Path(sys.executable)
    short: bool = False
    _lifetime: float | None = field(default=None, init=False)
    _looking: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def is_peer(self) -> bool:
        """Whether somebody else's work is under test."""
        return self.adapter != OURS

    @property
    def bound(self) -> float:
        """What the p99 with an event may be, as a multiple of that without.

        The short form runs wherever it is told to, also where others use the machine: there only a
        stall is a fault.
        """
        return load.STALL if self.short else load.BOUND

    @asynccontextmanager
    async def issuer(self, path: str = "") -> AsyncGenerator[Issuer, None]:
        """Start an issuer that serves its keys and metadata."""
        log = self.folder / f"issuer-{next(_logs)}.log"
        child = await Child.start(Path(sys.executable), "drills.processes.issuer_server", log=log)
        try:
            issuer = Issuer(child, path)
            await issuer.publish()
            await issuer.publish_metadata()
            yield issuer
        finally:
            await child.end()

    @asynccontextmanager
    async def worker(
        self,
        issuer: Issuer,
        *options: str,
        discover: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[Worker, None]:
        """Start an application that trusts `issuer`."""
        where = [] if discover else ["--jwks-uri", issuer.jwks_uri]
        child = await Child.start(
            self.python,
            "drills.processes.application_server",
            self.adapter,
            *("--issuer", issuer.identifier, "--audience", AUDIENCE, *where, *options),
            log=self.folder / f"worker-{self.adapter}-{next(_logs)}.log",
            environment=environment,
        )
        try:
            yield Worker(child)
        finally:
            await child.end()

    @asynccontextmanager
    async def stage(self, *options: str, warm: bool = True) -> AsyncGenerator[Stage, None]:
        """Start both; warm: the application has used the keys."""
        async with self.issuer() as issuer, self.worker(issuer, *options) as worker:
            stage = Stage(issuer, worker)
            if warm:
                await stage.good()
            yield stage

    async def lifetime(self) -> float:
        """Return the seconds after which keys are fetched again by themselves, found by trial."""
        async with self._looking:
            if self._lifetime is None:
                self._lifetime = await self._find_lifetime()
            return self._lifetime

    async def _find_lifetime(self) -> float:
        async with self.stage() as stage:
            before = 0.0
            for lifetime in _LIFETIMES:
                await stage.worker.advance(lifetime + 1 - before)
                before = lifetime + 1
                known = await stage.issuer.fetches()
                await stage.good()
                if await within(0.3, partial(stage.asked, known + 1)):
                    return lifetime
        raise RuntimeError("its keys do not age with the clocks that can be moved")
