"""Measures the steps of one request, each divided by one RS256 signature check."""

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
from benchmarks.in_process.timed_calls import timed, timed_coroutine
from benchmarks.in_process.verifiers import SIGNATURE_CHECK, timed_signature_check
from benchmarks.peers.asgi_bearer import NoOpMiddleware
from benchmarks.report.result import Line
from benchmarks.report.rounds import interleaved, ratios
from benchmarks.tokens import AUDIENCE, ISSUER, Signer, claims

_PARSE: Final = "parse base64url and JSON; the JOSE header is remembered"
_SIGNATURE: Final = "find the key and check the signature"
_CLAIMS: Final = "check all claims"
_WHOLE: Final = "a whole verification, cache off"
_GUARDED: Final = "a request through the guard, token in the cache"
_UNGUARDED: Final = "a request through a middleware that does nothing"


def lines(runner: asyncio.Runner, *, tokens: int, rounds: int) -> list[Line]:
    """Return the cost of each step."""
    signer = Signer.new("RS256")
    valid = signer.tokens(tokens)
    credentials = [Presented(token) for token in valid]
    values = [one.credentials for one in credentials]
    parsed = [parse(token, max_bytes=MAX_TOKEN_BYTES) for token in valid]
    sent = [guarded.headers(token) for token in valid]

    keys = verifiers.remote(signer)
    cache_off = verifiers.ours(keys, cache=False)
    static = verifiers.ours(verifiers.static(signer), cache=False)
    cache_on = verifiers.ours(keys, cache=True)
    guard, unguarded = guarded.guard(cache_on), NoOpMiddleware(guarded.application)
    guarded.expect(runner, guard, sent, accepted=True)

    header = parsed[0].header
    checks = PROFILES["jwt"].checks
    expected = Expected(ISSUER, frozenset({AUDIENCE}), verifiers.LEEWAY)
    now = float(claims()["iat"])

    def parse_token(token: str) -> CompactJWS:
        return decoded(segments_of(token, max_bytes=MAX_TOKEN_BYTES), header)

    def check_claims(token: CompactJWS) -> None:
        check_issuer(token.claims, expected)
        for check in checks:
            check(token.claims, expected)
        validity(token.claims, expected, now)

    subjects = {
        SIGNATURE_CHECK: timed_signature_check(signer, valid),
        "read the token from the header": timed(presented, [[value] for value in values]),
        _PARSE: timed(parse_token, valid),
        _SIGNATURE: timed_coroutine(
            runner, lambda token: signing_key(token, keys, rsa_default="RS256"), parsed
        ),
        _CLAIMS: timed(check_claims, parsed),
        _WHOLE: timed_coroutine(runner, cache_off.verify, credentials),
        "the same with fixed keys": timed_coroutine(runner, static.verify, credentials),
        "the SHA-256 digest that is the key in the cache": timed(
            lambda value: sha256(value).digest(), values
        ),
        "look up a token in the cache": timed(cache_on.recall, values),
        _GUARDED: timed_coroutine(runner, guarded.requests(guard), sent),
        _UNGUARDED: timed_coroutine(runner, guarded.requests(unguarded), sent),
    }
    times = interleaved(subjects, rounds=rounds)
    parts = [times[name] for name in (_PARSE, _SIGNATURE, _CLAIMS)]
    differences = {
        "the rest of a verification: principal, colder processor caches (a difference)": [
            whole - sum(of) for whole, *of in zip(times[_WHOLE], *parts, strict=True)
        ],
        "the guard alone, token in the cache (a difference)": [
            with_it - without
            for with_it, without in zip(times[_GUARDED], times[_UNGUARDED], strict=True)
        ],
    }
    measured = {**times, **differences}
    return [
        Line(f"step: {name}", SIGNATURE_CHECK, ratios(seconds, times[SIGNATURE_CHECK]))
        for name, seconds in measured.items()
        if name != SIGNATURE_CHECK
    ]
