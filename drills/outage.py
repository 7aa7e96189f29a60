"""Promises 3 and 12: the issuer is unreachable, and what the key source reports then."""

import asyncio

from drills import load
from drills.parties import Parties, SystemUnderTest, holds_within
from drills.processes.issuer import JWKS
from drills.processes.issuer_server import Document
from drills.results import DrillResult

REQUESTS = 1_000


async def unreachable_issuer(system: SystemUnderTest) -> list[DrillResult]:
    """3: valid tokens are accepted for an hour; then the response is 503, never 401."""
    lifetime = await system.lifetime()
    async with system.parties() as parties:
        return [
            await _stale_keys(parties, lifetime),
            await _expired_keys(system, parties),
            await _recovery(parties),
        ]


async def _stale_keys(parties: Parties, lifetime: float) -> DrillResult:
    # The issuer accepts connections and resets them, so that it can count them.
    await parties.issuer.serve(JWKS, Document(manner="reset"))
    await parties.application.advance(lifetime + 1)
    fetches_before = await parties.issuer.fetches()
    token = parties.issuer.token()
    responses: list[load.Response] = []
    async with load.Client(parties.application.port) as client:
        for _ in range(REQUESTS):
            responses.append(await client.get(token))
            await parties.application.advance(1)
    fetches = await parties.issuer.fetches() - fetches_before
    most_fetches = _attempts_within(REQUESTS)
    return DrillResult(
        3,
        f"keys past their lifetime, issuer resets connections; {REQUESTS} requests, one a second",
        f"{load.status_counts(responses)}; fetches: {fetches}",
        f"all 200; fetches: at most {most_fetches}",
        load.all_are(200, responses) and fetches <= most_fetches,
    )


def _attempts_within(seconds: float) -> int:
    """Return the most attempts that the back-off allows: jitter only makes its pauses longer."""
    attempts, pause, elapsed = 1, 1.0, 0.0
    while (elapsed := elapsed + pause) <= seconds:
        attempts += 1
        pause = min(2 * pause, 48.0)
    return attempts


async def _expired_keys(system: SystemUnderTest, parties: Parties) -> DrillResult:
    await parties.application.advance(90_000 if system.is_peer else 3601)
    fetches_before = await parties.issuer.fetches()
    # The first request waits for an attempt to fetch.
    token = parties.issuer.token()
    responses = [await parties.get(token)]
    responses += await load.send_without_pause(parties.application.port, [token] * (REQUESTS - 1))
    fetches = await parties.issuer.fetches() - fetches_before
    with_retry = sum("retry-after" in response.headers for response in responses)
    return DrillResult(
        3,
        f"past the time in which stale keys are used; {REQUESTS} requests",
        f"{load.status_counts(responses)}, {with_retry} with Retry-After; fetches: {fetches}",
        "all 503, all with Retry-After; fetches: 1",
        load.all_are(503, responses) and with_retry == len(responses) and fetches == 1,
    )


async def _recovery(parties: Parties) -> DrillResult:
    last = await parties.get()
    retry_after = int(last.headers.get("retry-after", "0"))
    await parties.issuer.publish()
    seconds = await parties.seconds_until(200, parties.issuer.token(), at_most=120)
    return DrillResult(
        3,
        "the issuer is reachable again",
        f"first 200 after {seconds} s; Retry-After was {retry_after} s",
        "no later than Retry-After",
        seconds is not None and seconds <= retry_after <= 60,
    )


async def key_source_status(system: SystemUnderTest) -> list[DrillResult]:
    """12: the status of the key source is correct at each moment."""
    reported: list[str] = []
    async with system.issuer() as issuer:
        await issuer.hang_up()
        async with system.application(issuer) as application:
            parties = Parties(issuer, application)

            async def record_status() -> None:
                status = await application.status()
                reported.append(f"{status['state']} {status['serves']:.0f} s")

            await parties.get()
            await record_status()
            await issuer.listen()
            await parties.seconds_until(200, issuer.token(), at_most=60)
            await record_status()
            await issuer.publish(delay=0.5)
            await application.advance(500)
            await parties.require_ok()
            await record_status()
            await holds_within(2.0, parties.has_new_keys)
            await record_status()
            await issuer.hang_up()
            await application.advance(601)
            await parties.require_ok()
            await asyncio.sleep(0.1)
            await record_status()
            await application.advance(3600)
            await parties.get()
            await record_status()
            await issuer.listen()
            await parties.seconds_until(200, issuer.token(), at_most=60)
            await record_status()
            unknown = [issuer.forged(f"no-{n}") for n in range(100)]
            await load.send_without_pause(application.port, unknown)
            counts = (await application.status())["counts"]
    states = [status.split(" ")[0] for status in reported]
    expected = ["never", "fresh", "refreshing", "fresh", "stale", "expired", "fresh"]
    return [
        DrillResult(
            12,
            "issuer unreachable, reachable, slow, unreachable for more than an hour, reachable",
            ", ".join(reported),
            ", ".join(expected),
            states == expected,
        ),
        DrillResult(
            12,
            "counted events, with 100 unknown key ids at the end",
            ", ".join(f"{kind}: {number}" for kind, number in sorted(counts.items())),
            "flood_limited: once in a cool-down",
            counts.get("flood_limited", 0) == 1,
        ),
    ]
