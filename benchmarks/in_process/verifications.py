"""Measures whole verifications without the cache, divided by the signature check alone."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from asgi_bearer import Presented
from benchmarks.in_process import verifiers
from benchmarks.in_process.timed_calls import timed, timed_coroutine
from benchmarks.report.result import Goal, Line
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import Signer

ALGORITHMS: Final[dict[str, Goal | None]] = {
    "RS256": Goal(at_most=1.5),
    "PS256": Goal(at_most=1.5),
    "ES256": Goal(at_most=1.25),
    "Ed25519": Goal(at_most=1.15),
    "RS384": None,
    "RS512": None,
    "PS384": None,
    "PS512": None,
    "ES384": None,
    "ES512": None,
}
"""Issuers commonly use those with a goal."""

SIGNATURE_CHECK: Final = "the signature check alone"
"""The call of `cryptography` that every verifier needs, with a loaded key."""

_OURS: Final = "asgi_bearer, cache off"


def timed_signature_check(signer: Signer, tokens: Sequence[str]) -> Callable[[], float]:
    """Return a function that checks the signatures and returns the seconds per check."""
    inputs = [verifiers.signature_input(signer, token) for token in tokens]
    return timed(verifiers.signature_check(signer), inputs)


def lines(runner: asyncio.Runner, alg: str, *, tokens: int, rounds: int) -> list[Line]:
    """Return the cost of a verification with each verifier."""
    signer = Signer.new(alg)
    valid = signer.tokens(tokens)
    presented = [Presented(token) for token in valid]
    ours = verifiers.ours(verifiers.remote(signer), cache=False)
    subjects = {
        SIGNATURE_CHECK: timed_signature_check(signer, valid),
        _OURS: timed_coroutine(runner, ours.verify, presented),
        "PyJWT": timed(verifiers.pyjwt(signer), valid),
        "joserfc": timed(verifiers.joserfc_jwt(signer), valid),
    }
    for first in subjects.values():
        # Fetches the keys, and raises an error if a verifier refuses a valid token.
        first()
    times = interleaved(subjects, rounds=rounds)
    return [
        Line(
            f"{alg}: {name}",
            SIGNATURE_CHECK,
            ratios(times[name], times[SIGNATURE_CHECK]),
            ALGORITHMS[alg] if name == _OURS else None,
        )
        for name in subjects
        if name != SIGNATURE_CHECK
    ]
