"""The steps of one request, each as a share of one RS256 signature check."""

import asyncio
from hashlib import sha256
from typing import Final

from asgi_bearer import Presented
from asgi_bearer.credentials import presented
from asgi_bearer.jose.jws import CompactJWS, decoded, parse, segments_of
from asgi_bearer.jwt.claims import PROFILES, Expected, check_issuer, validity
from asgi_bearer.jwt.signature import signing_key
from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from benchmarks.in_process import guarded, verifiers
from benchmarks.in_process.signing import ISSUER, Signer, claims
from benchmarks.in_process.timed_calls import driven, plain
from benchmarks.in_process.verifications import RAW
from benchmarks.report.result import Line
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import AUDIENCE

_PARSE: Final = "parse: base64url, JSON; the header is known"
_SIGNATURE: Final = "signature, with the search for the key"
_CLAIMS: Final = "claims, all checks"
_WHOLE: Final = "a verification, cache off"
_GUARDED: Final = "a request through the guard, cache warm"
_UNGUARDED: Final = "a request through a middleware that does nothing"


def lines(runner: asyncio.Runner, *, tokens: int, rounds: int) -> list[Line]:
    """Return what each step costs."""
    signer = Signer.new("RS256")
    good = signer.tokens(tokens)
    credentials = [Presented(token) for token in good]
    values = [one.credentials for one in credentials]
    parsed = [parse(token, max_bytes=MAX_TOKEN_BYTES) for token in good]
    sent = [guarded.headers(token) for token in good]

    keys = verifiers.remote(signer)
    cache_off = verifiers.ours(keys, cache=False)
    static = verifiers.ours(verifiers.static(signer), cache=False)
    cache_on = verifiers.ours(keys, cache=True)
    guard, unguarded = guarded.guard(cache_on), guarded.NoMiddleware(guarded.application)
    guarded.expect(runner, guard, sent, good=True)

    header = parsed[0].header
    checks = PROFILES["jwt"].checks
    expected = Expected(ISSUER, frozenset({AUDIENCE}), verifiers.LEEWAY)
    now = float(claims()["iat"])

    def take_apart(token: str) -> CompactJWS:
        return decoded(segments_of(token, max_bytes=MAX_TOKEN_BYTES), header)

    def check_claims(token: CompactJWS) -> None:
        check_issuer(token.claims, expected)
        for check in checks:
            check(token.claims, expected)
        validity(token.claims, expected, now)

    subjects = {
        RAW: plain(verifiers.raw(signer), [verifiers.signed(signer, token) for token in good]),
        "credentials: the header to a token": plain(presented, [[value] for value in values]),
        _PARSE: plain(take_apart, good),
        _SIGNATURE: driven(
            runner, lambda token: signing_key(token, keys, rsa_default="RS256"), parsed
        ),
        _CLAIMS: plain(check_claims, parsed),
        _WHOLE: driven(runner, cache_off.verify, credentials),
        "the same with keys known from the start": driven(runner, static.verify, credentials),
        "digest, by which the cache knows a token": plain(
            lambda value: sha256(value).digest(), values
        ),
        "a token that is in the cache": plain(cache_on.recall, values),
        _GUARDED: driven(runner, guarded.requests(guard), sent),
        _UNGUARDED: driven(runner, guarded.requests(unguarded), sent),
    }
    times = interleaved(subjects, rounds=rounds)
    parts = [times[name] for name in (_PARSE, _SIGNATURE, _CLAIMS)]
    differences = {
        "the rest of a verification: the principal, colder caches (a difference)": [
            whole - sum(of) for whole, *of in zip(times[_WHOLE], *parts, strict=True)
        ],
        "what the guard adds, cache warm (a difference)": [
            with_it - without
            for with_it, without in zip(times[_GUARDED], times[_UNGUARDED], strict=True)
        ],
    }
    found = {**times, **differences}
    return [
        Line(f"step: {name}", RAW, ratios(seconds, times[RAW]))
        for name, seconds in found.items()
        if name != RAW
    ]
