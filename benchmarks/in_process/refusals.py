"""Measures refusals by the whole guard: an invalid token must not cost more than a valid one."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from benchmarks.in_process import guarded, verifiers
from benchmarks.in_process.timed_calls import timed_coroutine
from benchmarks.in_process.verifiers import SIGNATURE_CHECK, timed_signature_check
from benchmarks.report.result import Goal, Line
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import Signer, claims, segment

_CHEAPER: Final = Goal(at_most=1.0)

_BOUNDED: Final = Goal(at_most=1.3)

_ACCEPTED: Final = "accepting a valid token, cache off"

_OTHER_ISSUER: Final = "https://other.example/"


@dataclass(frozen=True, slots=True)
class Invalid:
    """A request that the guard refuses.

    Arguments:
        token: None for a request without a token.
        junk: compared with one signature check; otherwise with accepting a valid token.
    """

    what: str
    token: bytes | None
    junk: bool = False
    goal: Goal | None = _CHEAPER
    remark: str = ""


def invalid_requests(signer: Signer) -> Sequence[Invalid]:
    """Return all kinds of invalid requests; junk tokens have the maximum length."""
    valid = signer.token(claims())
    head, body, signature = valid.encode().split(b".")
    other_signer = Signer.new("RS256", kid="another")
    other_claims = claims(iss=_OTHER_ISSUER)
    room = _room(other_signer.token(other_claims))
    long = {"padding": "x" * room}
    numbers = {"padding": [0] * (room // 2)}
    of_ours = claims() | {"padding": [0] * (room // 2 - 24)}
    decoded = "another issuer; the header is decoded, the payload is searched for `iss`"
    as_many = f"{decoded}; as many numbers as fit"
    return (
        Invalid("no token", None),
        Invalid("one segment", b"not-a-token"),
        Invalid("alg HS256", b".".join((segment(b'{"alg":"HS256","typ":"JWT"}'), body, signature))),
        Invalid("alg none", b".".join((segment(b'{"alg":"none"}'), body, signature))),
        Invalid("another issuer", other_signer.token(other_claims).encode()),
        Invalid("longer than 16 KiB", b"a" * (2 * MAX_TOKEN_BYTES), goal=None, junk=True),
        Invalid(
            "16 KiB of bytes that no token may contain",
            b"\x80" * MAX_TOKEN_BYTES,
            goal=_BOUNDED,
            junk=True,
        ),
        Invalid("16 KiB in one segment", b"a" * MAX_TOKEN_BYTES, goal=_BOUNDED, junk=True),
        Invalid("16 KiB of segments", b"." * MAX_TOKEN_BYTES, goal=_BOUNDED, junk=True),
        Invalid(
            "16 KiB, not base64url",
            _three_segments(b"~" * (MAX_TOKEN_BYTES // 3)),
            goal=_BOUNDED,
            junk=True,
        ),
        Invalid(
            "16 KiB, not JSON",
            _three_segments(b"A" * (MAX_TOKEN_BYTES // 3 // 4 * 4)),
            goal=_BOUNDED,
            junk=True,
        ),
        *(
            Invalid(f"16 KiB, a {what}", token.encode(), junk=True, goal=None, remark=remark)
            for what, token, remark in (
                ("long header", other_signer.token(other_claims, **long), decoded),
                ("long payload", other_signer.token(other_claims | long), decoded),
                ("payload of numbers", other_signer.token(other_claims | numbers), as_many),
            )
        ),
        Invalid(
            "16 KiB, a payload of numbers of our issuer, forged",
            b".".join((signer.token(of_ours).encode().rpartition(b".")[0], signature)),
            goal=_BOUNDED,
            junk=True,
            remark="the signature check of so many bytes alone takes about 1.55",
        ),
        Invalid(
            "an unknown key id",
            other_signer.token(claims()).encode(),
            remark="includes one fetch every ten seconds",
        ),
        Invalid(
            "a forged signature",
            b".".join((head, body, segment(os.urandom(256)))),
            goal=None,
            remark="needs the same signature check as accepting",
        ),
    )


def lines(runner: asyncio.Runner, *, calls: int, rounds: int) -> list[Line]:
    """Return the cost of each refusal."""
    signer = Signer.new("RS256")
    guard = guarded.guard(verifiers.ours(verifiers.remote(signer), cache=False))
    request = guarded.requests(guard)
    valid = signer.tokens(calls)
    kinds = invalid_requests(signer)
    refused = {kind.what: [guarded.headers(kind.token)] for kind in kinds}
    accepted = [guarded.headers(token) for token in valid]
    guarded.expect(runner, guard, accepted, accepted=True)
    for sent in refused.values():
        guarded.expect(runner, guard, sent, accepted=False)
    subjects = {
        SIGNATURE_CHECK: timed_signature_check(signer, valid),
        _ACCEPTED: timed_coroutine(runner, request, accepted),
        **{what: timed_coroutine(runner, request, sent * calls) for what, sent in refused.items()},
    }
    times = interleaved(subjects, rounds=rounds)

    measured: list[Line] = []
    for kind in kinds:
        against = SIGNATURE_CHECK if kind.junk else _ACCEPTED
        ratio = ratios(times[kind.what], times[against])
        measured.append(Line(f"refusing: {kind.what}", against, ratio, kind.goal, kind.remark))
    return measured


def _room(token: str) -> int:
    """Return how many bytes of JSON can be added until a token has the maximum length."""
    return (MAX_TOKEN_BYTES - len(token)) * 3 // 4 - 24


def _three_segments(content: bytes) -> bytes:
    return b".".join((content, content, content))[:MAX_TOKEN_BYTES]
