"""The library that the drills test: starts applications that use it, and issuers for them."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path

from benchmarks.child_process import ChildProcess
from benchmarks.tokens import AUDIENCE
from drills import load
from drills.parties import Parties, holds_within
from drills.processes.application import ApplicationProcess
from drills.processes.issuer import IssuerProcess

OURS = "asgi_bearer"

_LIFETIMES = (60.0, 300.0, 600.0, 900.0, 3600.0, 86_400.0)
"""How many seconds libraries use a key set before they fetch it again."""

_log_numbers = count()


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
