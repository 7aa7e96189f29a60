"""Promise 4: a flood of unknown key ids."""

import asyncio
import math
import os
from collections.abc import Iterator

from drills import load
from drills.system_under_test import Bench, Figure, Stage

RATE = 250.0
"""Requests a second, of each kind."""

COOL_DOWN = 10.0


async def a_flood(bench: Bench) -> list[Figure]:
    """4: it costs one fetch per cool-down, and neither a good key nor memory."""
    async with bench.stage() as stage:
        figures = [await _beside_good_traffic(bench, stage), await _then_a_rotation(stage)]
    async with bench.stage() as stage:
        figures.append(await _memory(bench, stage))
    return figures


def _unknown(stage: Stage, number: int) -> Iterator[str]:
    return (stage.issuer.forged(os.urandom(8).hex()) for _ in range(number))


async def _beside_good_traffic(bench: Bench, stage: Stage) -> Figure:
    """Compare good traffic beside a flood with the same beside as many good new tokens."""
    count = 1_000 if bench.short else 5_000
    # A cool-down may end within the flood, and the next begin.
    allowed = 1 + int(count / RATE / COOL_DOWN)
    good, port = [stage.issuer.token()] * count, stage.worker.port
    series, ratio, measured, kept = 0, math.inf, "", True
    while ratio > bench.bound and kept and series < load.SERIES:
        series += 1
        flood = list(_unknown(stage, count))
        # Those that come again are remembered and cost next to nothing.
        new = [stage.issuer.token() for _ in range(count)]
        await stage.worker.advance(COOL_DOWN + 1)
        calm, _ = await asyncio.gather(
            load.paced(port, good, rate=RATE), load.paced(port, new, rate=RATE)
        )
        known = await stage.issuer.fetches()
        beside, refused = await asyncio.gather(
            load.paced(port, good, rate=RATE), load.paced(port, flood, rate=RATE)
        )
        fetches = await stage.issuer.fetches() - known
        kept = load.all_are(401, refused) and load.all_are(200, beside) and fetches <= allowed
        ratio = load.p99(beside) / load.p99(calm)
        measured = (
            f"unknown: {load.statuses(refused)}; good: {load.statuses(beside)}, p99 "
            f"{1000 * load.p99(beside):.1f} ms, beside new ones {1000 * load.p99(calm):.1f} ms: "
            f"ratio {ratio:.2f}; fetches: {fetches}"
        )
    return Figure(
        4,
        f"{count} unknown key ids at {RATE:.0f} a second, beside as many remembered ones; "
        f"{load.SERIES} series at most",
        f"{measured}; series: {series}",
        f"unknown: all 401; good: all 200, ratio {bench.bound:g}; fetches: {allowed}",
        kept and ratio <= bench.bound,
    )


async def _then_a_rotation(stage: Stage) -> Figure:
    """Take the look that is left, rotate, and go on flooding until the new key works."""
    await stage.worker.advance(COOL_DOWN + 1)
    await load.hurried(stage.worker.port, _unknown(stage, 50))
    await stage.issuer.publish(stage.issuer.new_key(), *stage.issuer.keys)
    token, seconds = stage.issuer.token(), 0
    known = await stage.issuer.fetches()
    while (await stage.get(token)).status != 200 and seconds < 60:
        await stage.worker.advance(1)
        seconds += 1
        await load.hurried(stage.worker.port, _unknown(stage, 10))
    fetches = await stage.issuer.fetches() - known
    return Figure(
        4,
        "a rotation in the middle of a flood",
        f"the new key works after {seconds} s; fetches: {fetches}",
        f"after {COOL_DOWN:.0f} s; fetches: 1",
        seconds <= COOL_DOWN and fetches == 1,
    )


async def _memory(bench: Bench, stage: Stage) -> Figure:
    count = 5_000 if bench.short else 100_000
    await load.hurried(stage.worker.port, _unknown(stage, 1_000))
    before = await stage.worker.peak_bytes()
    answers = await load.hurried(stage.worker.port, _unknown(stage, count))
    grown = (await stage.worker.peak_bytes() - before) / 1024 / 1024
    return Figure(
        4,
        f"peak memory over {count} unknown key ids",
        f"grew by {grown:.1f} MiB; {load.statuses(answers)}",
        "2 MiB; all 401",
        grown <= 2 and load.all_are(401, answers),
    )
