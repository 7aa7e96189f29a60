"""Measures one verification: as a whole, its steps, and refusals."""

import asyncio
from typing import Final

from benchmarks.in_process import refusals, steps, verifications
from benchmarks.report.page import versions
from benchmarks.report.result import Result

_FEWER_ROUNDS: Final = 3
"""An algorithm without a goal is measured in a third of the rounds."""


def run(*, short: bool) -> Result:
    """Measure and return the result."""
    calls, rounds = (20, 3) if short else (100, 60)
    with asyncio.Runner() as runner:
        measured = [
            line
            for alg, goal in verifications.ALGORITHMS.items()
            for line in verifications.lines(
                runner, alg, tokens=calls, rounds=rounds if goal else rounds // _FEWER_ROUNDS
            )
        ]
        measured += steps.lines(runner, tokens=calls, rounds=rounds)
        measured += refusals.lines(runner, calls=calls, rounds=rounds)
    return Result(
        name="micro",
        title="One verification",
        how=(
            f"{calls} calls of each subject in each of {rounds} rounds, in one process and one "
            "event loop. The tokens are distinct, have about 900 bytes (RS256) and the claims of "
            "an Auth0 access token; the keys are loaded before. All verifiers check signature, "
            "issuer, audience, expiry, `nbf` and `iat`. A ratio divides processor times: less is "
            "better. `The signature check alone` is the call of cryptography that every verifier "
            "needs, with a loaded key and the same algorithm. Steps and refusals use RS256. A "
            "step that is repeated alone finds its code and data in the processor caches, so the "
            "steps add up to less than the whole. "
            f"{versions('cryptography', 'pyjwt', 'joserfc')}."
        ),
        lines=tuple(measured),
    )
