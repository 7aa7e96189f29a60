"""What one verification costs in this process: whole, by steps, and when it is refused."""

import asyncio
from typing import Final

from benchmarks.in_process import refusals, steps, verifications
from benchmarks.report.packages import versions
from benchmarks.report.result import Result

_LESS: Final = 3
"""How many times fewer rounds do for an algorithm that has no goal."""


def run(*, short: bool) -> Result:
    """Return what was measured."""
    calls, rounds = (20, 3) if short else (100, 60)
    with asyncio.Runner() as runner:
        found = [
            line
            for alg, goal in verifications.ALGORITHMS.items()
            for line in verifications.lines(
                runner, alg, tokens=calls, rounds=rounds if goal else rounds // _LESS
            )
        ]
        found += steps.lines(runner, tokens=calls, rounds=rounds)
        found += refusals.lines(runner, calls=calls, rounds=rounds)
    return Result(
        name="micro",
        title="One verification",
        how=(
            f"Blocks of {calls} calls in one process, interleaved in {rounds} rounds; coroutines "
            "are driven to their end in one running event loop. The tokens are distinct, of about "
            "900 bytes (RS256), with the claims of an Auth0 access token; keys are loaded before. "
            "All verifiers check signature, issuer, audience, expiry, `nbf` and `iat`. The "
            "processor's seconds of one divided by those of the other: less is better. `The "
            "signature alone` is the one call of cryptography that nobody can do without, with a "
            "loaded key, for the same algorithm; the steps and refusals are of RS256. A step that "
            "is repeated by itself finds the processor's caches warm, so the steps together come "
            "to less than the whole. "
            f"{versions('cryptography', 'pyjwt', 'joserfc')}."
        ),
        lines=tuple(found),
    )
