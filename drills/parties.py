"""The two parties of a drill: an issuer, and an application that trusts it."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from drills import load
from drills.processes.application import ApplicationProcess
from drills.processes.issuer import IssuerProcess


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
