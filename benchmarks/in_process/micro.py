"""Measures one verification, and refusals."""

import asyncio
from typing import Final

from asgi_bearer import Presented
from benchmarks.in_process import refusals, verifiers
from benchmarks.in_process.timed_calls import timed, timed_coroutine
from benchmarks.in_process.verifiers import SIGNATURE_CHECK
from benchmarks.report.page import versions
from benchmarks.report.result import Goal, Line, Result
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import Signer

_ALGORITHMS: Final[dict[str, Goal | None]] = {
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

_OURS: Final = "asgi_bearer, cache off"

_FEWER_ROUNDS: Final = 3
"""An algorithm without a goal is measured in a third of the rounds."""


def run(*, short: bool) -> Result:
    """Measure and return the result."""
    calls, rounds = (20, 3) if short else (100, 60)
    with asyncio.Runner() as runner:
        measured = [
            line
            for alg, goal in _ALGORITHMS.items()
            for line in _verifications(
                runner, alg, tokens=calls, rounds=rounds if goal else rounds // _FEWER_ROUNDS
            )
        ]
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
            "needs, with a loaded key and the same algorithm. Refusals use RS256. "
            f"{versions('cryptography', 'pyjwt', 'joserfc')}."
        ),
        lines=tuple(measured),
    )


def _verifications(runner: asyncio.Runner, alg: str, *, tokens: int, rounds: int) -> list[Line]:
    """Return the cost of a verification with each verifier."""
    signer = Signer.new(alg)
    valid = signer.tokens(tokens)
    presented = [Presented(token) for token in valid]
    ours = verifiers.ours(verifiers.remote(signer), cache=False)
    subjects = {
        SIGNATURE_CHECK: verifiers.timed_signature_check(signer, valid),
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
            _ALGORITHMS[alg] if name == _OURS else None,
        )
        for name in subjects
        if name != SIGNATURE_CHECK
    ]
