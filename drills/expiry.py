"""Promises 2 and 8: how long keys are fresh, and that nobody notices when they are no longer."""

import asyncio
import math
from statistics import median

from drills import load
from drills.system_under_test import Bench, Figure, Stage

RATE = 400.0
"""Requests a second: what one core serves many times over, so that nothing queues by itself."""

JWKS_SECONDS = 1.0

WINDOW_SECONDS = 1.5
"""A fetch begins a quarter of a second after the window and ends well within it."""

_STALE_SECONDS = 3600.0
"""How long our own keys serve past their end, by default."""


async def an_expiry(bench: Bench) -> list[Figure]:
    """2: requests across an expiry take as long as those without one."""
    lifetime = await bench.lifetime()
    figures: list[Figure] = []
    async with bench.stage() as stage:
        await stage.issuer.publish(delay=JWKS_SECONDS)
        await _window(stage, 0)  # Connections, caches and compiled code settle.
        for name, seconds in (
            ("80 % of their lifetime", 0.9 * lifetime),
            ("the end of their lifetime", lifetime + 1),
        ):
            figures.append(await _across(bench, stage, name, seconds))
    return figures


async def _across(bench: Bench, stage: Stage, name: str, seconds: float) -> Figure:
    """Measure windows with and without keys that pass a point of their life, turn by turn."""
    rounds = 3 if bench.short else 10
    series, ratio, measured, all_good, fetches = 0, math.inf, "", True, 0
    while ratio > bench.bound and all_good and series < load.SERIES:
        series += 1
        quiet: list[float] = []
        passing: list[float] = []
        known = await stage.issuer.fetches()
        for _ in range(rounds):
            for windows, shift in ((quiet, 0), (passing, seconds)):
                answers = await _window(stage, shift)
                windows.append(load.p99(answers))
                all_good = all_good and load.all_are(200, answers)
        fetches = await stage.issuer.fetches() - known
        ratio = median(passing) / median(quiet)
        measured = (
            f"p99 {1000 * median(passing):.1f} ms, without {1000 * median(quiet):.1f} ms: "
            f"ratio {ratio:.2f}; {'all 200' if all_good else 'not all 200'}; fetches: {fetches}"
        )
        if ratio > load.STALL:
            break
    return Figure(
        2,
        f"{RATE:.0f} requests a second, the keys take {JWKS_SECONDS:g} s and pass {name}; "
        f"median of {rounds} windows, {load.SERIES} series at most",
        f"{measured}; series: {series}",
        f"ratio {bench.bound:g}; all 200; fetches: {rounds}",
        # Whether others fetch at this point is theirs to decide.
        ratio <= bench.bound and all_good and (bench.is_peer or fetches == rounds),
    )


async def _window(stage: Stage, seconds: float) -> list[load.Answer]:
    """Send paced requests, and move the clock soon after the first."""
    tokens = [stage.issuer.token()] * int(WINDOW_SECONDS * RATE)
    answering = asyncio.create_task(load.paced(stage.worker.port, tokens, rate=RATE))
    await asyncio.sleep(0.25)
    await stage.worker.advance(seconds)
    return await answering


async def http_caching(bench: Bench) -> list[Figure]:
    """8: the issuer says how long its keys are fresh, within bounds; 304 says they still are."""
    figures: list[Figure] = []
    async with bench.stage() as stage:
        for headers, lifetime in (
            ({"Cache-Control": "max-age=1"}, 60),
            ({"Cache-Control": "max-age=300"}, 300),
            ({"Cache-Control": "max-age=1000000000"}, 86_400),
            ({"Cache-Control": "no-store"}, 60),
            ({"Cache-Control": "max-age=600", "Age": "300"}, 300),
            ({}, 600),
        ):
            await _refresh(stage, headers)
            status = await stage.worker.status()
            seen = status["serves"] + status["age"] - _STALE_SECONDS
            await stage.worker.advance(lifetime - status["age"] - 1)
            before = (await stage.worker.status())["state"]
            await stage.worker.advance(2)
            after = (await stage.worker.status())["state"]
            shown = ", ".join(f"{name}: {value}" for name, value in headers.items())
            figures.append(
                Figure(
                    8,
                    shown or "no Cache-Control",
                    f"fresh for {seen:.0f} s; a second before the end {before}, after it {after}",
                    f"{lifetime} s",
                    abs(seen - lifetime) < 1 and (before, after) == ("fresh", "stale"),
                )
            )
        etag = {"ETag": '"one"'}
        await _refresh(stage, etag)
        known = (await stage.worker.status())["counts"].get("unchanged", 0)
        await _refresh(stage, etag)
        await _refresh(stage, etag)
        status = await stage.worker.status()
        counted = status["counts"].get("unchanged", 0) - known
        unchanged = [code for _, _, code in await stage.issuer.requests()].count(304)
        figures.append(
            Figure(
                8,
                "ETag, two refreshes without a change",
                f"304: {unchanged}; counted as unchanged: {counted}; "
                f"{status['state']}, age {status['age']:.0f} s",
                "304: 2; counted: 2; fresh",
                unchanged == counted == 2 and status["state"] == "fresh" and status["age"] < 5,
            )
        )
    return figures


async def _refresh(stage: Stage, headers: dict[str, str]) -> None:
    await stage.issuer.publish(headers=headers)
    known = await stage.issuer.fetches()
    # Past the longest lifetime there is, and within the time that stale keys serve.
    status = await stage.worker.status()
    await stage.worker.advance(max(0.0, status["serves"] - _STALE_SECONDS + 1))
    await stage.good()
    await stage.fetched(known + 1)
    # The answer is read a moment after it was sent.
    for _ in range(100):
        if (await stage.worker.status())["age"] < 1:
            return
        await asyncio.sleep(0.01)
