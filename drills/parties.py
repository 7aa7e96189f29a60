"""Starts the two parties of a drill: an issuer, and an application that trusts it."""

import asyncio
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.child_process import ChildProcess
from benchmarks.tokens import AUDIENCE
from drills import load
from drills.processes.application import ApplicationProcess
from drills.processes.issuer import IssuerProcess

OURS = "asgi_bearer"

_LIFETIMES = (60.0, 300.0, 600.0, 900.0, 3600.0, 86_400.0)
"""How many seconds libraries use a key set before they fetch it again."""

_log_numbers = count()


@dataclass(frozen=True, slots=True)
class Parties:
    """An issuer and an application, both running."""

    issuer: IssuerProcess
    application: ApplicationProcess

    async def get(self, token: str | None = None) -> load.Response:
        """Send one request, with a valid token if none is given."""
        return await load.send(self.application.port, token or self.issuer.token())

    async def require_ok(self) -> None:
        """Send a valid token; the application then has the keys.

        Raises:
            RuntimeError: the response is not 200.
        """
        if (response := await self.get()).status != 200:
            raise RuntimeError(f"a valid token was answered with {response.status}")

    async def wait_for_fetches(self, number: int) -> bool:
        """Return whether the key set has been requested `number` times within three seconds."""
        return await holds_within(3.0, partial(self.has_fetches, number))

    async def has_fetches(self, number: int) -> bool:
        """Return whether the key set was requested at least `number` times."""
        return await self.issuer.fetches() >= number

    async def has_new_keys(self) -> bool:
        """Return whether the application fetched its keys less than a second ago."""
        return bool((await self.application.status())["age"] < 1)

    async def seconds_until(self, status: int, token: str, *, at_most: int) -> int | None:
        """Advance the clock second by second until `token` gets this status; return how many."""
        for seconds in range(at_most + 1):
            if (await self.get(token)).status == status:
                return seconds
            await self.application.advance(1)
            # A background fetch that this request started needs a moment of real time.
            await asyncio.sleep(0.005)
        return None


async def holds_within(seconds: float, condition: Callable[[], Awaitable[bool]]) -> bool:
    """Return whether the condition becomes true within so many seconds."""
    deadline = time.monotonic() + seconds
    while not await condition():
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


@dataclass
class SystemUnderTest:
    """One library, used by an adapter in `benchmarks.peers`.

    Arguments:
        adapter: the name of that module.
        folder: for the logs.
        python: the interpreter that has the library installed.
        short: send as few requests as possible.
    """

    adapter: str
    folder: Path
    python: Path = Path(sys.executable)
    short: bool = False
    _lifetime: float | None = field(default=None, init=False)
    _measuring_lifetime: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    @property
    def is_peer(self) -> bool:
        """Whether this is another library than asgi_bearer."""
        return self.adapter != OURS

    @property
    def highest_ratio(self) -> float:
        """The highest accepted ratio of the p99 with an event to the p99 without.

        The short form also runs on busy machines, so only a stall fails there.
        """
        return load.STALL if self.short else load.HIGHEST_RATIO

    @asynccontextmanager
    async def issuer(self, path: str = "") -> AsyncGenerator[IssuerProcess, None]:
        """Start an issuer that publishes its keys and metadata."""
        log = self.folder / f"issuer-{next(_log_numbers)}.log"
        child = await ChildProcess.start(
            Path(sys.executable), "drills.processes.issuer_server", log=log
        )
        try:
            issuer = IssuerProcess(child, path)
            await issuer.publish()
            await issuer.publish_metadata()
            yield issuer
        finally:
            await child.end()

    @asynccontextmanager
    async def application(
        self,
        issuer: IssuerProcess,
        *options: str,
        discover: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> AsyncGenerator[ApplicationProcess, None]:
        """Start an application that trusts `issuer`."""
        jwks_uri = [] if discover else ["--jwks-uri", issuer.jwks_uri]
        child = await ChildProcess.start(
            self.python,
            "drills.processes.application_server",
            self.adapter,
            *("--issuer", issuer.identifier, "--audience", AUDIENCE, *jwks_uri, *options),
            log=self.folder / f"application-{self.adapter}-{next(_log_numbers)}.log",
            environment=environment,
        )
        try:
            yield ApplicationProcess(child)
        finally:
            await child.end()

    @asynccontextmanager
    async def parties(self, *options: str, warm: bool = True) -> AsyncGenerator[Parties, None]:
        """Start an issuer and an application; `warm`: the application has used the keys."""
        async with self.issuer() as issuer, self.application(issuer, *options) as application:
            parties = Parties(issuer, application)
            if warm:
                await parties.require_ok()
            yield parties

    async def lifetime(self) -> float:
        """Return after how many seconds the library fetches the keys again, found by trial."""
        async with self._measuring_lifetime:
            if self._lifetime is None:
                self._lifetime = await self._measured_lifetime()
            return self._lifetime

    async def _measured_lifetime(self) -> float:
        async with self.parties() as parties:
            elapsed = 0.0
            for lifetime in _LIFETIMES:
                await parties.application.advance(lifetime + 1 - elapsed)
                elapsed = lifetime + 1
                fetches = await parties.issuer.fetches()
                await parties.require_ok()
                if await holds_within(0.3, partial(parties.has_fetches, fetches + 1)):
                    return lifetime
        raise RuntimeError(f"{self.adapter} did not fetch its keys again within a day")
