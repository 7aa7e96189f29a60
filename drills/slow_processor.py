"""Promise 15: a processor that is slow, and a process that stands still, cost no good token."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager, suppress

from drills import load
from drills.system_under_test import Bench, Figure, Stage, Worker

SHARE = 0.05
_PERIOD = 0.1
"""Of a core, and seconds."""

_FROZEN = 6.0
"""Seconds; a fetch may take five."""


async def a_slow_processor(bench: Bench) -> list[Figure]:
    """15: importing the HTTP client takes no time from a fetch; a frozen one is made up for."""
    return list(
        await asyncio.gather(_a_slow_start(bench), _waited_frozen(bench), _came_after(bench))
    )


async def _a_slow_start(bench: Bench) -> Figure:
    # Without bytecode, as in an image that nobody compiled: importing takes three times as long.
    nothing = {"PYTHONPYCACHEPREFIX": str(bench.folder / "none"), "PYTHONDONTWRITEBYTECODE": "1"}
    async with (
        bench.issuer() as issuer,
        bench.worker(issuer, "--lifespan", "off", environment=nothing) as worker,
    ):
        used, began = await worker.cpu_seconds(), time.monotonic()
        async with _held_to(SHARE, worker):
            answers = [await _patient(worker, issuer.token()) for _ in range(2)]
            seconds = time.monotonic() - began
        used = await worker.cpu_seconds() - used
        fetches = await issuer.fetches()
    return Figure(
        15,
        f"the first requests of a process held to {SHARE} of a core, without bytecode",
        f"{load.statuses(answers)}; first after {answers[0].seconds:.1f} s; fetches: {fetches}; "
        f"{used / seconds:.2f} of a core",
        "2 x 200; fetches: 1",
        load.all_are(200, answers) and fetches == 1,
    )


async def _waited_frozen(bench: Bench) -> Figure:
    async with bench.stage() as stage:
        token = await _new_key(stage)
        waiting = asyncio.create_task(_patient(stage.worker, token))
        await stage.fetched(2)
        await _frozen(stage)
        return await _figure("a new key's token waits in that fetch", stage, waiting)


async def _came_after(bench: Bench) -> Figure:
    async with bench.stage() as stage:
        token = await _new_key(stage)
        await stage.worker.advance(0.9 * await bench.lifetime())
        await stage.good()
        await stage.fetched(2)
        await _frozen(stage)
        return await _figure("a new key's token comes after it", stage, stage.get(token))


async def _figure(name: str, stage: Stage, answer: Awaitable[load.Answer]) -> Figure:
    first = await answer
    fetches = await stage.issuer.fetches()
    return Figure(
        15,
        f"a process is stopped for {_FROZEN:.0f} s in the middle of a fetch; {name}",
        f"{first.status}; fetches: {fetches - 1}",
        "200; fetches: 2",
        first.status == 200 and fetches == 3,
    )


async def _new_key(stage: Stage) -> str:
    """Publish a new key, so slowly that nobody waits for it, and return a token of it."""
    new = stage.issuer.new_key()
    await stage.issuer.publish(*stage.issuer.keys, new, delay=20.0)
    return stage.issuer.token(new)


async def _frozen(stage: Stage) -> None:
    """Stop the process until no fetch can go on; its connections do not outlive that."""
    stage.worker.freeze()
    try:
        await asyncio.sleep(_FROZEN / 2)
        await stage.issuer.hang_up()
        await stage.issuer.listen()
        await stage.issuer.publish()
        await asyncio.sleep(_FROZEN / 2)
    finally:
        stage.worker.go_on()


@asynccontextmanager
async def _held_to(share: float, worker: Worker) -> AsyncGenerator[None, None]:
    """Let the process run for a share of each tenth of a second."""

    async def hold() -> None:
        while True:
            worker.freeze()
            await asyncio.sleep((1 - share) * _PERIOD)
            worker.go_on()
            await asyncio.sleep(share * _PERIOD)

    holding = asyncio.create_task(hold())
    try:
        yield
    finally:
        holding.cancel()
        with suppress(asyncio.CancelledError):
            await holding
        worker.go_on()


async def _patient(worker: Worker, token: str) -> load.Answer:
    async with load.Client(worker.port, patience=60.0) as client:
        return await client.get(token)
