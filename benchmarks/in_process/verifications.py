"""One whole verification without the cache, for each algorithm, against the signature alone."""

import asyncio
from typing import Final

from asgi_bearer import Presented
from benchmarks.in_process import verifiers
from benchmarks.in_process.signing import Signer
from benchmarks.in_process.timed_calls import driven, plain
from benchmarks.report.result import Goal, Line
from benchmarks.report.rounds import interleaved, ratios

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
"""The ones with a goal are those that issuers use."""

RAW: Final = "the signature alone"
"""The call of `cryptography` that no verifier can do without, with a loaded key."""

_OURS: Final = "asgi_bearer, cache off"


def lines(runner: asyncio.Runner, alg: str, *, tokens: int, rounds: int) -> list[Line]:
    """Return what a verification costs by each verifier."""
    signer = Signer.new(alg)
    good = signer.tokens(tokens)
    presented = [Presented(token) for token in good]
    ours = verifiers.ours(verifiers.remote(signer), cache=False)
    subjects = {
        RAW: plain(verifiers.raw(signer), [verifiers.signed(signer, token) for token in good]),
        _OURS: driven(runner, ours.verify, presented),
        "PyJWT": plain(verifiers.pyjwt(signer), good),
        "joserfc": plain(verifiers.joserfc_jwt(signer), good),
    }
    for first in subjects.values():
        # Who refuses a good token has an exception here; and the keys are fetched.
        first()
    times = interleaved(subjects, rounds=rounds)
    return [
        Line(
            f"{alg}: {name}",
            RAW,
            ratios(times[name], times[RAW]),
            ALGORITHMS[alg] if name == _OURS else None,
        )
        for name in subjects
        if name != RAW
    ]
