"""Promise 9: concurrent requests share one fetch; no single request or shutdown breaks it."""

import asyncio

from drills import load
from drills.parties import SystemUnderTest
from drills.results import DrillResult

WAITING = 50


async def shared_fetch(system: SystemUnderTest) -> list[DrillResult]:
    """9: a cancelled request leaves the shared fetch running; shutdown ends it."""
    return [await _cancelled_request(system), await _shutdown(system)]


async def _cancelled_request(system: SystemUnderTest) -> DrillResult:
    async with system.parties("--lifespan", "off", "--cancel", warm=False) as parties:
        await parties.issuer.publish(delay=1.0)
        token, port = parties.issuer.token(), parties.application.port
        async with load.Client(port) as first:
            cancelled = asyncio.create_task(first.get(token))
            await parties.wait_for_fetches(1)
            waiting = asyncio.create_task(load.send_at_once(port, [token] * WAITING))
            await asyncio.sleep(0.2)
            cancelled.cancel()
        responses = await waiting
        fetches = await parties.issuer.fetches()
    return DrillResult(
        9,
        f"the first client disconnects during the fetch, its request is cancelled, "
        f"{WAITING} others wait",
        f"{load.status_counts(responses)}; fetches: {fetches}",
        f"{WAITING} x 200; fetches: 1",
        load.all_are(200, responses) and fetches == 1,
    )


async def _shutdown(system: SystemUnderTest) -> DrillResult:
    async with system.parties() as parties:
        await parties.issuer.publish(delay=10.0)
        await parties.application.advance(0.9 * await system.lifetime())
        await parties.require_ok()
        began = await parties.wait_for_fetches(2)
        seconds, left, log = await parties.application.end()
    return DrillResult(
        9,
        "SIGTERM during a fetch that takes 10 s",
        f"ended after {seconds:.1f} s; tasks left: {len(left)}; lines in its log: "
        f"{len(log.splitlines())}",
        "after less than 5 s; tasks left: 0; lines in its log: 0",
        began and seconds < 5 and not left and not log,
    )
