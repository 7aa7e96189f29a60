"""How the cost of a request grows: with tokens, keys, claims and scopes."""

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from asgi_bearer import JWTVerifier
from benchmarks.in_process import guarded, verifiers
from benchmarks.in_process.signing import Signer, claims, long_claims
from benchmarks.in_process.timed_calls import driven, seconds
from benchmarks.report.result import Curve, Line, Result
from benchmarks.report.rounds import interleaved, ratios

_ALG: Final = "ES256"
"""Its keys and tokens are made quickly, and thousands are needed."""

_ROTATIONS: Final = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_KEYS: Final = (1, 10, 100, 1_000)
_KIBIBYTES: Final = (0.5, 1, 2, 4, 8, 12)
_SCOPES: Final = (1, 5, 20, 100, 500)

_MAX_TOKEN_BYTES: Final = 32 * 1024
"""12 KiB of claims are 16 KiB of base64url, and more with a header and a signature."""

_ON: Final = "cache on"
_OFF: Final = "cache off"

Block = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is done.

    Arguments:
        filling: tokens that a rotation sends before it is measured, more than the cache holds.
        hits, misses: requests of one block, depending on whether they hit the cache.
    """

    filling: int
    hits: int
    misses: int
    rounds: int


@dataclass(frozen=True, slots=True)
class Case:
    """One point of a curve: the keys of the issuer, and what it signed with the last of them."""

    signers: Sequence[Signer]
    token: str


def run(*, short: bool) -> Result:
    """Return what was measured."""
    effort = Effort(1_000, 50, 10, 3) if short else Effort(20_000, 500, 100, 40)
    with asyncio.Runner() as runner:
        rotations, miss = _rotations(runner, effort)
        curves = [
            rotations,
            *_growth(runner, effort, "keys in the set", {n: _with_keys(n) for n in _KEYS}),
            *_growth(runner, effort, "KiB of claims", {n: _with_claims(n) for n in _KIBIBYTES}),
            *_growth(runner, effort, "scopes in the token", {n: _with_scopes(n) for n in _SCOPES}),
        ]
    return Result(
        name="scale",
        title="How the cost of a request grows",
        how=(
            f"Requests through the guard in one process ({_ALG}), {effort.hits} a block where they "
            f"hit the cache, {effort.misses} where they do not, interleaved in {effort.rounds} "
            "rounds. Processor's seconds, each point divided by the first of its curve. Rotating "
            "tokens: each request has the next one, and the cache has its default size. For the "
            f"rotations that are larger than the cache, {effort.filling:,} tokens fill it first, "
            "and what is measured are others that it has not seen: a rotation of any such size "
            "comes to that, since each token has been displaced before it comes again. Keys: the "
            "token names the last one. Claims: a list of groups; the limit of a token is raised "
            "to 32 KiB."
        ),
        lines=(miss, *map(_last_to_first, curves)),
        curves=tuple(curves),
        y_axis="cost of a request / that at the first point",
    )


def _rotations(runner: asyncio.Runner, effort: Effort) -> tuple[Curve, Line]:
    signer = Signer.new(_ALG)
    tokens = signer.tokens(effort.filling + effort.misses * effort.rounds)
    pool = [guarded.headers(token) for token in tokens]
    off = guarded.guard(verifiers.ours(verifiers.remote(signer), cache=False))
    subjects: dict[float | str, Block] = {
        number: _rotation(
            runner, effort, verifiers.ours(verifiers.remote(signer), cache=True), pool[:number]
        )
        for number in _ROTATIONS
    }
    subjects[_OFF] = driven(runner, guarded.requests(off), pool[: effort.misses])
    times = interleaved(subjects, rounds=effort.rounds)
    points = tuple((n, ratios(times[n], times[_ROTATIONS[0]])) for n in _ROTATIONS)
    missed = ratios(times[_ROTATIONS[-1]], times[_OFF])
    return Curve(_ON, points, "rotating tokens"), Line(
        "cache on, and the token is not in it", _OFF, missed
    )


def _rotation(
    runner: asyncio.Runner,
    effort: Effort,
    verifier: JWTVerifier,
    rotation: Sequence[guarded.Headers],
) -> Block:
    guard = guarded.guard(verifier)
    request = guarded.requests(guard)
    before = rotation[: effort.filling]
    guarded.expect(runner, guard, before, good=True)
    count = effort.hits if len(before) == len(rotation) else effort.misses
    coming = itertools.cycle(itertools.chain(rotation[len(before) :], before))

    def block() -> float:
        return runner.run(seconds(request, list(itertools.islice(coming, count))))

    return block


def _growth(
    runner: asyncio.Runner, effort: Effort, x_axis: str, cases: Mapping[float, Case]
) -> list[Curve]:
    """Return a curve with the cache and one without it."""
    subjects: dict[tuple[str, float], Block] = {}
    for name, (x, case) in itertools.product((_ON, _OFF), cases.items()):
        keys = verifiers.remote(*case.signers)
        verifier = verifiers.ours(keys, cache=name == _ON, max_token_bytes=_MAX_TOKEN_BYTES)
        guard = guarded.guard(verifier)
        sent = [guarded.headers(case.token)]
        guarded.expect(runner, guard, sent, good=True)
        count = effort.hits if name == _ON else effort.misses
        subjects[name, x] = driven(runner, guarded.requests(guard), sent * count)
    times = interleaved(subjects, rounds=effort.rounds)
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
