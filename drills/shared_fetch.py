"""Promises 9 and 13: the fetch belongs to nobody, and keys are there from the start."""

import asyncio

from drills import load
from drills.system_under_test import Bench, Figure, Issuer, Stage

WAITING = 50
COLD = 200


async def the_fetch_belongs_to_nobody(bench: Bench) -> list[Figure]:
    """9: who goes away ends it for nobody, and nothing is left at the end."""
    return [await _first_caller_leaves(bench), await _ended_in_a_fetch(bench)]


async def _first_caller_leaves(bench: Bench) -> Figure:
    async with bench.stage("--lifespan", "off", "--cancel", warm=False) as stage:
        await stage.issuer.publish(delay=1.0)
        token = stage.issuer.token()
        async with load.Client(stage.worker.port) as first:
            leaving = asyncio.create_task(first.get(token))
            await stage.fetched(1)
            waiting = asyncio.create_task(load.burst(stage.worker.port, [token] * WAITING))
            await asyncio.sleep(0.2)
            leaving.cancel()
        answers = await waiting
        fetches = await stage.issuer.fetches()
    return Figure(
        9,
        f"the first caller leaves in the middle of the fetch and is cancelled, {WAITING} wait",
        f"{load.statuses(answers)}; fetches: {fetches}",
        f"{WAITING} x 200; fetches: 1",
        load.all_are(200, answers) and fetches == 1,
    )


async def _ended_in_a_fetch(bench: Bench) -> Figure:
    async with bench.stage() as stage:
        await stage.issuer.publish(delay=10.0)
        await stage.worker.advance(0.9 * await bench.lifetime())
        await stage.good()
        began = await stage.fetched(2)
        seconds, left, log = await stage.worker.end()
    return Figure(
        9,
        "SIGTERM in the middle of a fetch that takes 10 s",
        f"ended after {seconds:.1f} s; tasks left: {len(left)}; lines in its log: "
        f"{len(log.splitlines())}",
        "5 s; tasks left: 0; an empty log",
        began and seconds < 5 and not left and not log,
    )


async def the_start(bench: Bench) -> list[Figure]:
    """13: keys are fetched before they are needed, and a failure stops nothing."""
    figures = [await _warm(bench), await _dead_at_start(bench)]
    figures += await a_cold_burst(bench)
    figures.append(await _forked(bench))
    return figures


async def _warm(bench: Bench) -> Figure:
    async with bench.stage(warm=False) as stage:
        await stage.fetched(1)
        before = await stage.issuer.fetches()
        answer = await stage.get()
        after = await stage.issuer.fetches()
    return Figure(
        13,
        "start with lifespan",
        f"fetches before the first request: {before}, with it: {after}; {answer.status}",
        "1, 1; 200",
        before == after == 1 and answer.status == 200,
    )


async def _dead_at_start(bench: Bench) -> Figure:
    async with bench.issuer() as issuer:
        await issuer.hang_up()
        async with bench.worker(issuer) as worker:
            stage = Stage(issuer, worker)
            first = await stage.get()
            await issuer.listen()
            seconds = await stage.seconds_until(200, issuer.token(), at_most=60)
    return Figure(
        13,
        "the issuer is down at the start",
        f"it starts; {first.status}, and 200 after {seconds} s",
        "it starts; 503, and 200 after 2 s",
        first.status == 503 and seconds is not None and seconds <= 2,
    )


async def a_cold_burst(bench: Bench) -> list[Figure]:
    """13, from outside: the first requests of all, at once."""
    async with bench.stage("--lifespan", "off", warm=False) as stage:
        # As slow as an issuer on another continent.
        await stage.issuer.publish(delay=0.2)
        tokens = [stage.issuer.token()] * COLD
        answers = await load.burst(stage.worker.port, tokens)
        fetches = await stage.issuer.fetches()
    return [
        Figure(
            13,
            f"{COLD} first requests at once, no lifespan",
            f"{load.statuses(answers)}; fetches: {fetches}",
            f"{COLD} x 200; fetches: 1",
            load.all_are(200, answers) and fetches == 1,
        )
    ]


async def _forked(bench: Bench) -> Figure:
    async with (
        bench.issuer() as issuer,
        bench.worker(issuer, "--fork", issuer.token()) as worker,
    ):
        answers = [await load.one(port, issuer.token()) for port in worker.ports]
        answers += await _rotated(issuer, worker.ports)
    return Figure(
        13,
        "two processes forked after the keys were used; then a rotation",
        load.statuses(answers),
        "4 x 200",
        load.all_are(200, answers),
    )


async def _rotated(issuer: Issuer, ports: list[int]) -> list[load.Answer]:
    await issuer.publish(issuer.new_key(), *issuer.keys)
    return [await load.one(port, issuer.token()) for port in ports]
