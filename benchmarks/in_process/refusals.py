"""What it costs to refuse, through the whole guard: an attacker must not get work for nothing."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from benchmarks.in_process import guarded, verifiers
from benchmarks.in_process.signing import Signer, claims, segment
from benchmarks.in_process.timed_calls import driven, plain
from benchmarks.in_process.verifications import RAW
from benchmarks.report.result import Goal, Line
from benchmarks.report.rounds import interleaved, ratios

_CHEAPER: Final = Goal(at_most=1.0)

_ACCEPTED: Final = "accepting a good token, cache off"

_ELSEWHERE: Final = "https://other.example/"


@dataclass(frozen=True, slots=True)
class Bad:
    """What is refused.

    Arguments:
        token: None for none.
        junk: it is held against one signature check, otherwise against accepting a good token.
    """

    what: str
    token: bytes | None
    junk: bool = False
    goal: Goal | None = _CHEAPER
    remark: str = ""


def bad(signer: Signer) -> Sequence[Bad]:
    """Return all kinds of bad requests, with tokens as long as they may be where that matters."""
    good = signer.token(claims())
    head, body, signature = good.encode().split(b".")
    stranger = Signer.new("RS256", kid="another")
    foreign = claims(iss=_ELSEWHERE)
    room = _room(stranger.token(foreign))
    long = {"padding": "x" * room}
    numbers = {"padding": [0] * (room // 2)}
    judged = "of another issuer: all of it is decoded before that is seen"
    return (
        Bad("no token", None),
        Bad("one segment", b"not-a-token"),
        Bad("alg HS256", b".".join((segment(b'{"alg":"HS256","typ":"JWT"}'), body, signature))),
        Bad("alg none", b".".join((segment(b'{"alg":"none"}'), body, signature))),
        Bad("of another issuer", stranger.token(foreign).encode()),
        Bad("longer than 16 KiB", b"a" * (2 * MAX_TOKEN_BYTES), goal=None, junk=True),
        Bad("16 KiB that no token may hold", b"\x80" * MAX_TOKEN_BYTES, junk=True),
        Bad("16 KiB in one segment", b"a" * MAX_TOKEN_BYTES, junk=True),
        Bad("16 KiB of segments", b"." * MAX_TOKEN_BYTES, junk=True),
        Bad("16 KiB, not base64url", _three(b"~" * (MAX_TOKEN_BYTES // 3)), junk=True),
        Bad("16 KiB, not JSON", _three(b"A" * (MAX_TOKEN_BYTES // 3 // 4 * 4)), junk=True),
        Bad(
            "16 KiB, a long header",
            stranger.token(foreign, **long).encode(),
            junk=True,
            goal=None,
            remark=judged,
        ),
        Bad(
            "16 KiB, a long payload",
            stranger.token(foreign | long).encode(),
            junk=True,
            goal=None,
            remark=judged,
        ),
        Bad(
            "16 KiB, a payload of numbers",
            stranger.token(foreign | numbers).encode(),
            junk=True,
            goal=None,
            remark=f"{judged}; as many values as fit into it",
        ),
        Bad(
            "of a key that nobody knows",
            stranger.token(claims()).encode(),
            remark="one fetch in ten seconds is part of it",
        ),
        Bad(
            "a forged signature",
            b".".join((head, body, segment(os.urandom(256)))),
            goal=None,
            remark="costs the signature check that accepting costs",
        ),
    )


def lines(runner: asyncio.Runner, *, calls: int, rounds: int) -> list[Line]:
    """Return what each refusal costs."""
    signer = Signer.new("RS256")
    guard = guarded.guard(verifiers.ours(verifiers.remote(signer), cache=False))
    request = guarded.requests(guard)
    good = signer.tokens(calls)
    kinds = bad(signer)
    refused = {kind.what: [guarded.headers(kind.token)] for kind in kinds}
    accepted = [guarded.headers(token) for token in good]
    guarded.expect(runner, guard, accepted, good=True)
    for sent in refused.values():
        guarded.expect(runner, guard, sent, good=False)
    subjects = {
        RAW: plain(verifiers.raw(signer), [verifiers.signed(signer, token) for token in good]),
        _ACCEPTED: driven(runner, request, accepted),
        **{what: driven(runner, request, sent * calls) for what, sent in refused.items()},
    }
    times = interleaved(subjects, rounds=rounds)

    found: list[Line] = []
    for kind in kinds:
        against = RAW if kind.junk else _ACCEPTED
        ratio = ratios(times[kind.what], times[against])
        found.append(Line(f"refusing: {kind.what}", against, ratio, kind.goal, kind.remark))
    return found


def _room(token: str) -> int:
    """Return how many bytes of JSON can be added until a token is as long as it may be."""
    return (MAX_TOKEN_BYTES - len(token)) * 3 // 4 - 24


def _three(content: bytes) -> bytes:
    return b".".join((content, content, content))[:MAX_TOKEN_BYTES]
