"""Measures how the cost of a request grows with tokens, keys, claims and scopes."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asgi_bearer import JWTVerifier
from benchmarks.in_process import guarded, verifiers
from benchmarks.in_process.timed_calls import seconds_per_call, timed_coroutine
from benchmarks.report.result import Curve, Line, Result
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import Signer, claims, long_claims

_ALG: Final = "ES256"
"""Thousands of keys and tokens are needed, and this algorithm makes them quickly."""

_TOKENS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_KEYS: Final = (1, 10, 100, 1_000)
_KIBIBYTES: Final = (0.5, 1, 2, 4, 8, 12)
_SCOPES: Final = (1, 5, 20, 100, 500)

_MAX_TOKEN_BYTES: Final = 32 * 1024
"""12 KiB of claims are 16 KiB of base64url, without header and signature."""

_ON: Final = "cache on"
_OFF: Final = "cache off"

Measure = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is measured.

    Arguments:
        filling: tokens that fill the cache before it is measured; more than it holds.
        hits: requests in one measurement if the cache holds their tokens.
        misses: requests in one measurement if it does not.
    """

    filling: int
    hits: int
    misses: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Case:
    """One point of a curve: the keys of the issuer, and a token signed with the last one."""

    signers: Sequence[Signer]
    token: str


def run(*, short: bool) -> Result:
    """Measure and return the result."""
    counts = Counts(1_000, 50, 10, 3) if short else Counts(20_000, 500, 100, 40)
    with asyncio.Runner() as runner:
        rotating, miss = _rotating_tokens(runner, counts)
        curves = [
            rotating,
            *_growth(runner, counts, "keys in the set", {n: _with_keys(n) for n in _KEYS}),
            *_growth(runner, counts, "KiB of claims", {n: _with_claims(n) for n in _KIBIBYTES}),
            *_growth(runner, counts, "scopes in the token", {n: _with_scopes(n) for n in _SCOPES}),
        ]
    return Result(
        name="scale",
        title="How the cost of a request grows",
        how=(
            f"Requests through the guard in one process ({_ALG}), in {counts.rounds} rounds: "
            f"{counts.hits} a measurement if the cache holds their tokens, otherwise "
            f"{counts.misses}. Processor time; each point is divided by the first point of its "
            "curve. Rotating tokens: the client sends so many tokens in turn, and the cache has "
            "its default size. If they do not fit into the cache, "
            f"{counts.filling:,} tokens fill it first and others are measured, because the cache "
            "has always dropped a token before it is sent again. Keys: the token names the last "
            "key of the set. Claims: a list of groups; the limit for tokens is raised to 32 KiB."
        ),
        lines=(miss, *map(_last_to_first, curves)),
        curves=tuple(curves),
        y_axis="cost of a request / cost at the first point",
    )


def _rotating_tokens(runner: asyncio.Runner, counts: Counts) -> tuple[Curve, Line]:
    signer = Signer.new(_ALG)
    tokens = signer.tokens(counts.filling + counts.misses * counts.rounds)
    pool = [guarded.headers(token) for token in tokens]
    off = guarded.guard(verifiers.ours(verifiers.remote(signer), cache=False))
    subjects: dict[float | str, Measure] = {
        number: _measure_rotating(
            runner, counts, verifiers.ours(verifiers.remote(signer), cache=True), pool[:number]
        )
        for number in _TOKENS
    }
    subjects[_OFF] = timed_coroutine(runner, guarded.requests(off), pool[: counts.misses])
    times = interleaved(subjects, rounds=counts.rounds)
    points = tuple((n, ratios(times[n], times[_TOKENS[0]])) for n in _TOKENS)
    missed = ratios(times[_TOKENS[-1]], times[_OFF])
    return Curve(_ON, points, "rotating tokens"), Line(
        "cache on, token not in the cache", _OFF, missed
    )


def _measure_rotating(
    runner: asyncio.Runner, counts: Counts, verifier: JWTVerifier, tokens: Sequence[guarded.Headers]
) -> Measure:
    guard = guarded.guard(verifier)
    request = guarded.requests(guard)
    first = tokens[: counts.filling]
    guarded.expect(runner, guard, first, accepted=True)
    count = counts.hits if len(first) == len(tokens) else counts.misses
    in_turn = itertools.cycle(itertools.chain(tokens[len(first) :], first))

    def measure() -> float:
        return runner.run(seconds_per_call(request, list(itertools.islice(in_turn, count))))

    return measure


def _growth(
    runner: asyncio.Runner, counts: Counts, x_axis: str, cases: Mapping[float, Case]
) -> list[Curve]:
    """Return a curve with the cache and one without it."""
    subjects: dict[tuple[str, float], Measure] = {}
    for name, (x, case) in itertools.product((_ON, _OFF), cases.items()):
        keys = verifiers.remote(*case.signers)
        verifier = verifiers.ours(keys, cache=name == _ON, max_token_bytes=_MAX_TOKEN_BYTES)
        guard = guarded.guard(verifier)
        sent = [guarded.headers(case.token)]
        guarded.expect(runner, guard, sent, accepted=True)
        count = counts.hits if name == _ON else counts.misses
        subjects[name, x] = timed_coroutine(runner, guarded.requests(guard), sent * count)
    times = interleaved(subjects, rounds=counts.rounds)
    first = min(cases)
    return [
        Curve(name, tuple((x, ratios(times[name, x], times[name, first])) for x in cases), x_axis)
        for name in (_ON, _OFF)
    ]


def _with_keys(number: int) -> Case:
    signers = [Signer.new(_ALG, kid=f"key-{n}") for n in range(number)]
    return Case(signers, signers[-1].token(claims()))


def _with_claims(kibibytes: float) -> Case:
    signer = Signer.new(_ALG)
    return Case([signer], signer.token(long_claims(int(kibibytes * 1024))))


def _with_scopes(number: int) -> Case:
    signer = Signer.new(_ALG)
    scopes = [*guarded.SCOPES, *(f"read:things-{n}" for n in range(1, number))]
    return Case([signer], signer.token(claims(scope=" ".join(scopes))))


def _last_to_first(curve: Curve) -> Line:
    (first, _), (last, ratio) = curve.points[0], curve.points[-1]
    return Line(f"{curve.name}: {last:,.10g} {curve.x_axis}", f"{first:,.10g}", ratio)
