"""Promises 2 and 8: how long keys stay fresh, and that no request waits when they expire."""

import asyncio
import math
from statistics import median

from drills import load
from drills.parties import Parties, SystemUnderTest, holds_within
from drills.results import DrillResult

RATE = 400.0
"""Requests a second; one core serves many times as many, so no queue builds up."""

FETCH_SECONDS = 1.0

WINDOW_SECONDS = 1.5
"""The fetch begins a quarter of a second into the window and ends within it."""

_STALE_SECONDS = 3600.0
"""How long our key source uses keys past their lifetime, by default."""


async def expiry(system: SystemUnderTest) -> list[DrillResult]:
    """2: while keys expire, requests take no longer than otherwise."""
    lifetime = await system.lifetime()
    results: list[DrillResult] = []
    async with system.parties() as parties:
        await parties.issuer.publish(delay=FETCH_SECONDS)
        await _window(parties, 0)  # Fills connections and caches.
        for name, seconds in (
            ("80 % of their lifetime", 0.9 * lifetime),
            ("the end of their lifetime", lifetime + 1),
        ):
            results.append(await _latency(system, parties, name, seconds))
    return results


async def _latency(
    system: SystemUnderTest, parties: Parties, name: str, seconds: float
) -> DrillResult:
    """Compare windows in which the clock advances by `seconds` with windows without that."""
    rounds = 3 if system.short else 10
    series, ratio, measured, all_ok, fetches = 0, math.inf, "", True, 0
    while ratio > system.highest_ratio and all_ok and series < load.SERIES:
        series += 1
        without: list[float] = []
        with_expiry: list[float] = []
        fetches_before = await parties.issuer.fetches()
        for _ in range(rounds):
            for windows, shift in ((without, 0), (with_expiry, seconds)):
                responses = await _window(parties, shift)
                windows.append(load.p99(responses))
                all_ok = all_ok and load.all_are(200, responses)
        fetches = await parties.issuer.fetches() - fetches_before
        ratio = median(with_expiry) / median(without)
        measured = (
            f"p99 {1000 * median(with_expiry):.1f} ms, without {1000 * median(without):.1f} ms: "
            f"ratio {ratio:.2f}; {'all 200' if all_ok else 'not all 200'}; fetches: {fetches}"
        )
        if ratio > load.STALL:
            break
    return DrillResult(
        2,
        f"{RATE:.0f} requests a second, a fetch takes {FETCH_SECONDS:g} s, the keys pass {name}; "
        f"median of {rounds} windows, at most {load.SERIES} series",
        f"{measured}; series: {series}",
        f"ratio at most {system.highest_ratio:g}; all 200; fetches: {rounds}",
        # Other libraries need not fetch at this point.
        ratio <= system.highest_ratio and all_ok and (system.is_peer or fetches == rounds),
    )


async def _window(parties: Parties, seconds: float) -> list[load.Response]:
    """Send requests at a fixed rate, and advance the clock soon after the first."""
    tokens = [parties.issuer.token()] * int(WINDOW_SECONDS * RATE)
    sending = asyncio.create_task(load.send_at_rate(parties.application.port, tokens, rate=RATE))
    await asyncio.sleep(0.25)
    await parties.application.advance(seconds)
    return await sending


async def http_caching(system: SystemUnderTest) -> list[DrillResult]:
    """8: the response headers of the issuer say how long its keys are fresh, within limits."""
    results: list[DrillResult] = []
    async with system.parties() as parties:
        for headers, lifetime in (
            ({"Cache-Control": "max-age=1"}, 60),
            ({"Cache-Control": "max-age=300"}, 300),
            ({"Cache-Control": "max-age=1000000000"}, 86_400),
            ({"Cache-Control": "no-store"}, 60),
            ({"Cache-Control": "max-age=600", "Age": "300"}, 300),
            ({}, 600),
        ):
            results.append(await _lifetime(parties, headers, lifetime))
        results.append(await _unchanged(parties))
    return results


async def _lifetime(parties: Parties, headers: dict[str, str], lifetime: int) -> DrillResult:
    await _refresh(parties, headers)
    status = await parties.application.status()
    measured = status["serves"] + status["age"] - _STALE_SECONDS
    await parties.application.advance(lifetime - status["age"] - 1)
    before = (await parties.application.status())["state"]
    await parties.application.advance(2)
    after = (await parties.application.status())["state"]
    return DrillResult(
        8,
        ", ".join(f"{name}: {value}" for name, value in headers.items()) or "no Cache-Control",
        f"fresh for {measured:.0f} s; one second before the end {before}, after the end {after}",
        f"{lifetime} s",
        abs(measured - lifetime) < 1 and (before, after) == ("fresh", "stale"),
    )


async def _unchanged(parties: Parties) -> DrillResult:
    etag = {"ETag": '"one"'}
    await _refresh(parties, etag)
    counted_before = (await parties.application.status())["counts"].get("unchanged", 0)
    await _refresh(parties, etag)
    await _refresh(parties, etag)
    status = await parties.application.status()
    counted = status["counts"].get("unchanged", 0) - counted_before
    not_modified = [code for _, _, code in await parties.issuer.requests()].count(304)
    return DrillResult(
        8,
        "ETag, two refreshes without a change",
        f"304: {not_modified}; counted as unchanged: {counted}; "
        f"{status['state']}, age {status['age']:.0f} s",
        "304: 2; counted: 2; fresh",
        not_modified == counted == 2 and status["state"] == "fresh" and status["age"] < 5,
    )


async def _refresh(parties: Parties, headers: dict[str, str]) -> None:
    await parties.issuer.publish(headers=headers)
    fetches = await parties.issuer.fetches()
    # Past the lifetime of the keys, and within the time in which stale keys are used.
    status = await parties.application.status()
    await parties.application.advance(max(0.0, status["serves"] - _STALE_SECONDS + 1))
    await parties.require_ok()
    await parties.wait_for_fetches(fetches + 1)
    # The application reads the response a moment after the issuer sent it.
    await holds_within(1.0, parties.has_new_keys)
