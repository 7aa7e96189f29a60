"""Promise 15: on a slow processor, or after a stopped process, valid tokens are accepted."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress

from drills import load
from drills.parties import Parties, SystemUnderTest
from drills.processes.application import ApplicationProcess
from drills.results import DrillResult

SHARE = 0.05
"""Of a core."""

_PERIOD = 0.1
"""Seconds."""

_STOPPED_SECONDS = 6.0
"""A fetch may take five."""

_TIMEOUT = 60.0
"""Of a request, in seconds."""


async def slow_processor(system: SystemUnderTest) -> list[DrillResult]:
    """15: importing the HTTP client does not count as fetch time; a stopped fetch is repeated."""
    return list(
        await asyncio.gather(_slow_start(system), _waits_in_fetch(system), _comes_later(system))
    )


async def _slow_start(system: SystemUnderTest) -> DrillResult:
    # Without bytecode, as in an image that was never run, importing takes three times as long.
    no_bytecode = {
        "PYTHONPYCACHEPREFIX": str(system.folder / "none"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    async with (
        system.issuer() as issuer,
        system.application(issuer, "--lifespan", "off", environment=no_bytecode) as application,
    ):
        used, began = await application.cpu_seconds(), time.monotonic()
        async with _limited_to(SHARE, application):
            responses = [
                await load.send(application.port, issuer.token(), timeout=_TIMEOUT)
                for _ in range(2)
            ]
            seconds = time.monotonic() - began
        used = await application.cpu_seconds() - used
        fetches = await issuer.fetches()
    return DrillResult(
        15,
        f"the first requests of a process limited to {SHARE} of a core, without bytecode",
        f"{load.status_counts(responses)}; first after {responses[0].seconds:.1f} s; "
        f"fetches: {fetches}; {used / seconds:.2f} of a core used",
        "2 x 200; fetches: 1",
        load.all_are(200, responses) and fetches == 1,
    )


async def _waits_in_fetch(system: SystemUnderTest) -> DrillResult:
    async with system.parties() as parties:
        token = await _token_of_new_key(parties)
        request = load.send(parties.application.port, token, timeout=_TIMEOUT)
        waiting = asyncio.create_task(request)
        await parties.wait_for_fetches(2)
        await _stop_and_resume(parties)
        return await _result("a new key's token waits for that fetch", parties, waiting)


async def _comes_later(system: SystemUnderTest) -> DrillResult:
    async with system.parties() as parties:
        token = await _token_of_new_key(parties)
        await parties.application.advance(0.9 * await system.lifetime())
        await parties.require_ok()
        await parties.wait_for_fetches(2)
        await _stop_and_resume(parties)
        return await _result("a new key's token arrives later", parties, parties.get(token))


async def _result(name: str, parties: Parties, request: Awaitable[load.Response]) -> DrillResult:
    response = await request
    fetches = await parties.issuer.fetches()
    return DrillResult(
        15,
        f"a process is stopped for {_STOPPED_SECONDS:.0f} s during a fetch; {name}",
        f"{response.status}; fetches: {fetches - 1}",
        "200; fetches: 2",
        response.status == 200 and fetches == 3,
    )


async def _token_of_new_key(parties: Parties) -> str:
    """Publish a new key, with a fetch that takes too long, and return a token signed by it."""
    new = parties.issuer.new_key()
    await parties.issuer.publish(*parties.issuer.keys, new, delay=20.0)
    return parties.issuer.token(new)


async def _stop_and_resume(parties: Parties) -> None:
    """Stop the process for longer than a fetch may take; the issuer closes its connections."""
    parties.application.stop()
    try:
        await asyncio.sleep(_STOPPED_SECONDS / 2)
        await parties.issuer.hang_up()
        await parties.issuer.listen()
        await parties.issuer.publish()
        await asyncio.sleep(_STOPPED_SECONDS / 2)
    finally:
        parties.application.resume()


@asynccontextmanager
async def _limited_to(share: float, application: ApplicationProcess) -> AsyncGenerator[None, None]:
    """Let the process run for only a share of each period."""

    async def stop_and_resume() -> None:
        while True:
            application.stop()
            await asyncio.sleep((1 - share) * _PERIOD)
            application.resume()
            await asyncio.sleep(share * _PERIOD)

    limiting = asyncio.create_task(stop_and_resume())
    try:
        yield
    finally:
        limiting.cancel()
        with suppress(asyncio.CancelledError):
            await limiting
        application.resume()
