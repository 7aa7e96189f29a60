"""Promises 3, 7 and 12: the issuer is down or talks nonsense, and what is said of it."""

import asyncio
import gzip
import json
from collections.abc import Sequence

from benchmarks.tokens import SigningKey
from drills import load
from drills.processes.issuer_server import Served
from drills.system_under_test import JWKS, Bench, Figure, Stage, within

REQUESTS = 1_000


async def a_dead_issuer(bench: Bench) -> list[Figure]:
    """3: it costs no valid token, for an hour; then the answer is 503, and never 401."""
    lifetime = await bench.lifetime()
    async with bench.stage() as stage:
        return [
            await _stale(stage, lifetime),
            await _past_the_last(bench, stage),
            await _recovery(stage),
        ]


async def _stale(stage: Stage, lifetime: float) -> Figure:
    # Reset and not refused, so that the attempts can be counted.
    await stage.issuer.serve(JWKS, Served(manner="reset"))
    await stage.worker.advance(lifetime + 1)
    known = await stage.issuer.fetches()
    token = stage.issuer.token()
    answers: list[load.Answer] = []
    async with load.Client(stage.worker.port) as client:
        for _ in range(REQUESTS):
            answers.append(await client.get(token))
            await stage.worker.advance(1)
    fetches = await stage.issuer.fetches() - known
    allowed = _attempts_within(REQUESTS)
    return Figure(
        3,
        f"keys past their end, issuer resets connections; {REQUESTS} requests, one a second",
        f"{load.statuses(answers)}; fetches: {fetches}",
        f"all 200; fetches: {allowed}",
        load.all_are(200, answers) and fetches <= allowed,
    )


def _attempts_within(seconds: float) -> int:
    """Return the most attempts that the back-off allows: chance only makes its pauses longer."""
    attempts, pause, elapsed = 1, 1.0, 0.0
    while (elapsed := elapsed + pause) <= seconds:
        attempts += 1
        pause = min(2 * pause, 48.0)
    return attempts


async def _past_the_last(bench: Bench, stage: Stage) -> Figure:
    await stage.worker.advance(90_000 if bench.is_peer else 3601)
    known = await stage.issuer.fetches()
    # The first request is the one that waits for an attempt.
    token = stage.issuer.token()
    answers = [await stage.get(token)]
    answers += await load.hurried(stage.worker.port, [token] * (REQUESTS - 1))
    fetches = await stage.issuer.fetches() - known
    with_retry = sum("retry-after" in answer.headers for answer in answers)
    return Figure(
        3,
        f"past the time that stale keys serve; {REQUESTS} requests",
        f"{load.statuses(answers)}, {with_retry} with Retry-After; fetches: {fetches}",
        "all 503, all with Retry-After; fetches: 1",
        load.all_are(503, answers) and with_retry == len(answers) and fetches == 1,
    )


async def _recovery(stage: Stage) -> Figure:
    last = await stage.get()
    promised = int(last.headers.get("retry-after", "0"))
    await stage.issuer.publish()
    seconds = await stage.seconds_until(200, stage.issuer.token(), at_most=120)
    return Figure(
        3,
        "the issuer is back",
        f"first 200 after {seconds} s; Retry-After had said {promised} s",
        "not after Retry-After",
        seconds is not None and seconds <= promised <= 60,
    )


QUICK = (
    *("status 500", "status 404", "connection reset", "empty set", "no key set", "array", "HTML"),
    *("a page around a key set", "huge", "endless", "gzip bomb", "redirect", "truncated"),
)
SLOW = ("silence", "slow drip")
"""Each of them takes as long as the timeout of the fetch."""

_TEMPTING = ("a page around a key set", "huge", "endless", "gzip bomb", "redirect")
"""They hold a key, or lead to one."""

_ELSEWHERE = "/elsewhere"


def _bad(name: str, good: bytes, evil: bytes) -> Served:
    """Return the bad answer of this name, made from the issuer's keys or from somebody's."""
    html = {"Content-Type": "text/html"}
    match name:
        case "status 500":
            return Served(good, status=500)
        case "status 404":
            return Served(good, status=404)
        case "connection reset":
            return Served(manner="reset")
        case "empty set":
            return Served(b'{"keys": []}')
        case "no key set":
            return Served(b'{"error": "maintenance"}')
        case "array":
            return Served(b"[]")
        case "HTML":
            return Served(b"<!doctype html><p>Sorry", headers=html)
        case "a page around a key set":
            return Served(b"<!doctype html><pre>" + evil + b"</pre>", headers=html)
        case "huge":
            return Served(evil + b" " * 2**20)
        case "endless":
            return Served(evil, manner="endless")
        case "gzip bomb":
            bomb = gzip.compress(evil + b" " * 10**8, compresslevel=1)
            return Served(bomb, headers={"Content-Encoding": "gzip"})
        case "redirect":
            return Served(status=302, headers={"Location": _ELSEWHERE})
        case "truncated":
            return Served(good, manner="truncated")
        case "silence":
            return Served(manner="silent")
        case _:
            return Served(good, manner="drip")


async def bad_answers(bench: Bench) -> list[Figure]:
    """7: a bad answer is not a set."""
    parts = await asyncio.gather(*(_bad_answers(bench, names) for names in (QUICK, *zip(SLOW))))
    return [*(figure for part in parts for figure in part), await _one_broken_key(bench)]


async def _bad_answers(bench: Bench, names: Sequence[str]) -> list[Figure]:
    lifetime = await bench.lifetime()
    async with bench.stage() as stage:
        evil = stage.issuer.new_key("evil")
        return [await _bad_answer(bench, stage, name, evil, lifetime) for name in names]


async def _bad_answer(
    bench: Bench, stage: Stage, name: str, evil: SigningKey, lifetime: float
) -> Figure:
    issuer, worker = stage.issuer, stage.worker
    evil_set = json.dumps({"keys": [evil.jwk()]}).encode()
    await issuer.serve(_ELSEWHERE, Served(evil_set))
    await issuer.serve(JWKS, _bad(name, issuer.jwks(), evil_set))
    known = await issuer.fetches()
    await worker.advance(lifetime + 1)
    answers = [await stage.get()]
    await stage.fetched(known + 1)
    fault: str | None = None
    if not bench.is_peer:
        await within(7.0, lambda: _has_fault(stage))
        fault = (await worker.status())["fault"]
    answers += await load.hurried(worker.port, [issuer.token()] * 20)
    stranger = (await stage.get(issuer.token(evil))).status if name in _TEMPTING else None
    await issuer.publish()
    await worker.advance(61)
    healed = await stage.seconds_until(200, issuer.token(), at_most=60) is not None
    if not bench.is_peer:
        healed = await within(2.0, lambda: _is_fresh(stage))
    slowest = max(answer.seconds for answer in answers)
    return Figure(
        7,
        name,
        f"{load.statuses(answers)}, slowest {1000 * slowest:.0f} ms"
        + (f"; a key in it: {stranger}" if stranger is not None else "")
        + (f"; fault: {fault.replace(issuer.origin, '')}" if fault is not None else "")
        + ("" if healed else "; did not recover"),
        "all 200" if bench.is_peer else "all 200; fault named",
        load.all_are(200, answers)
        and healed
        and stranger != 200
        and (bench.is_peer or fault is not None),
    )


async def _has_fault(stage: Stage) -> bool:
    fault: object = (await stage.worker.status())["fault"]
    return fault is not None


async def _is_fresh(stage: Stage) -> bool:
    state: object = (await stage.worker.status())["state"]
    return state == "fresh"


async def _one_broken_key(bench: Bench) -> Figure:
    async with bench.stage() as stage:
        new = stage.issuer.new_key()
        stage.issuer.keys.insert(0, new)
        broken = {"kty": "RSA", "kid": "broken", "n": "AQAB", "e": "!"}
        await stage.worker.advance(61)
        await stage.issuer.serve(JWKS, Served(stage.issuer.jwks(broken, "nonsense", None)))
        answers = [await stage.get(stage.issuer.token(key)) for key in stage.issuer.keys]
    return Figure(
        7,
        "three broken entries beside a new key and the old one",
        load.statuses(answers),
        "2 x 200",
        load.all_are(200, answers),
    )


async def the_status(bench: Bench) -> list[Figure]:
    """12: it says what is so."""
    seen: list[str] = []
    async with bench.issuer() as issuer:
        await issuer.hang_up()
        async with bench.worker(issuer) as worker:
            stage = Stage(issuer, worker)

            async def note() -> None:
                status = await worker.status()
                seen.append(f"{status['state']} {status['serves']:.0f} s")

            async def refreshed() -> bool:
                return bool((await worker.status())["age"] < 1)

            await stage.get()
            await note()
            await issuer.listen()
            await stage.seconds_until(200, issuer.token(), at_most=60)
            await note()
            await issuer.publish(delay=0.5)
            await worker.advance(500)
            await stage.good()
            await note()
            await within(2.0, refreshed)
            await note()
            await issuer.hang_up()
            await worker.advance(601)
            await stage.good()
            await asyncio.sleep(0.1)
            await note()
            await worker.advance(3600)
            await stage.get()
            await note()
            await issuer.listen()
            await stage.seconds_until(200, issuer.token(), at_most=60)
            await note()
            await load.hurried(worker.port, [issuer.forged(f"no-{n}") for n in range(100)])
            counts = (await worker.status())["counts"]
    states = [words.split(" ")[0] for words in seen]
    expected = ["never", "fresh", "refreshing", "fresh", "stale", "expired", "fresh"]
    return [
        Figure(
            12,
            "issuer down, up, slow, down for more than an hour, up",
            ", ".join(seen),
            ", ".join(expected),
            states == expected,
        ),
        Figure(
            12,
            "what it counted, with 100 unknown key ids at the end",
            ", ".join(f"{kind}: {number}" for kind, number in sorted(counts.items())),
            "flood_limited: once in a cool-down",
            counts.get("flood_limited", 0) == 1,
        ),
    ]
