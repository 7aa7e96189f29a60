"""Promise 4: clients send a flood of tokens with unknown key ids."""

import asyncio
import math
import os
from collections.abc import Iterator

from drills import load
from drills.parties import Parties, SystemUnderTest
from drills.results import DrillResult

RATE = 250.0
"""Requests a second, of each kind."""

COOL_DOWN = 10.0


async def flood(system: SystemUnderTest) -> list[DrillResult]:
    """4: it causes one fetch in each cool-down, refuses no valid token and takes no memory."""
    async with system.parties() as parties:
        results = [await _valid_traffic(system, parties), await _rotation(parties)]
    async with system.parties() as parties:
        results.append(await _memory(system, parties))
    return results


def _unknown(parties: Parties, number: int) -> Iterator[str]:
    return (parties.issuer.forged(os.urandom(8).hex()) for _ in range(number))


async def _valid_traffic(system: SystemUnderTest, parties: Parties) -> DrillResult:
    """Send repeated valid tokens, first beside new valid tokens, then beside a flood."""
    count = 1_000 if system.short else 5_000
    # One cool-down may end within the flood, and the next one begin.
    most_fetches = 1 + int(count / RATE / COOL_DOWN)
    repeated, port = [parties.issuer.token()] * count, parties.application.port
    series, ratio, measured, all_ok = 0, math.inf, "", True
    while ratio > system.highest_ratio and all_ok and series < load.SERIES:
        series += 1
        unknown = list(_unknown(parties, count))
        # Distinct tokens: a repeated one would come from the token cache and cost little.
        new = [parties.issuer.token() for _ in range(count)]
        await parties.application.advance(COOL_DOWN + 1)
        beside_new, _ = await asyncio.gather(
            load.send_at_rate(port, repeated, rate=RATE), load.send_at_rate(port, new, rate=RATE)
        )
        fetches_before = await parties.issuer.fetches()
        beside_flood, refused = await asyncio.gather(
            load.send_at_rate(port, repeated, rate=RATE),
            load.send_at_rate(port, unknown, rate=RATE),
        )
        fetches = await parties.issuer.fetches() - fetches_before
        all_ok = (
            load.all_are(401, refused)
            and load.all_are(200, beside_flood)
            and fetches <= most_fetches
        )
        ratio = load.p99(beside_flood) / load.p99(beside_new)
        measured = (
            f"unknown: {load.status_counts(refused)}; valid: {load.status_counts(beside_flood)}, "
            f"p99 {1000 * load.p99(beside_flood):.1f} ms, beside new valid tokens "
            f"{1000 * load.p99(beside_new):.1f} ms: ratio {ratio:.2f}; fetches: {fetches}"
        )
    return DrillResult(
        4,
        f"{count} unknown key ids at {RATE:.0f} a second, beside as many repeated valid tokens; "
        f"at most {load.SERIES} series",
        f"{measured}; series: {series}",
        f"unknown: all 401; valid: all 200, ratio at most {system.highest_ratio:g}; "
        f"fetches: at most {most_fetches}",
        all_ok and ratio <= system.highest_ratio,
    )


async def _rotation(parties: Parties) -> DrillResult:
    """Use up the fetch of this cool-down, rotate, and flood until the new key is accepted."""
    await parties.application.advance(COOL_DOWN + 1)
    await load.send_without_pause(parties.application.port, _unknown(parties, 50))
    await parties.issuer.publish(parties.issuer.new_key(), *parties.issuer.keys)
    token, seconds = parties.issuer.token(), 0
    fetches_before = await parties.issuer.fetches()
    while (await parties.get(token)).status != 200 and seconds < 60:
        await parties.application.advance(1)
        seconds += 1
        await load.send_without_pause(parties.application.port, _unknown(parties, 10))
    fetches = await parties.issuer.fetches() - fetches_before
    return DrillResult(
        4,
        "a rotation during a flood",
        f"the new key is accepted after {seconds} s; fetches: {fetches}",
        f"after at most {COOL_DOWN:.0f} s; fetches: 1",
        seconds <= COOL_DOWN and fetches == 1,
    )


async def _memory(system: SystemUnderTest, parties: Parties) -> DrillResult:
    count = 5_000 if system.short else 100_000
    await load.send_without_pause(parties.application.port, _unknown(parties, 1_000))
    before = await parties.application.peak_bytes()
    responses = await load.send_without_pause(parties.application.port, _unknown(parties, count))
    mebibytes = (await parties.application.peak_bytes() - before) / 1024 / 1024
    return DrillResult(
        4,
        f"peak memory over {count} unknown key ids",
        f"grew by {mebibytes:.1f} MiB; {load.status_counts(responses)}",
        "at most 2 MiB; all 401",
        mebibytes <= 2 and load.all_are(401, responses),
    )
