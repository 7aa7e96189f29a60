"""What is counted: whole requests, whole verifications, and the steps of one verification."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from cryptography.exceptions import InvalidSignature
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from asgi_bearer import BearerMiddleware, InvalidTokenError, Presented
from asgi_bearer.caller import principal_of
from asgi_bearer.jose.encoding import verified_json_object
from asgi_bearer.jose.jws import decoded_object, parse, split
from asgi_bearer.jwt.claims import PROFILES, Expected, check_issuer, granted_scopes, validity
from asgi_bearer.jwt.signature import signing_key
from asgi_bearer.jwt.verifier import MAX_TOKEN_BYTES
from asgi_bearer.keys import KeySource
from benchmarks.in_process import guarded, verifiers
from benchmarks.instructions.connection import Connection, request
from benchmarks.instructions.names import (
    ALGORITHMS,
    BARE,
    BARE_KNOWN,
    CLAIMS,
    DECODE,
    DIGEST,
    FIND,
    JUNK,
    KNOWN,
    KNOWN_WITHOUT_HEADER,
    NEW,
    NO_GUARD,
    NOTHING,
    NOTHING_AWAITED,
    PARSE,
    PRINCIPAL,
    PYJWT,
    RAW,
    RAW_JUNK,
    SIGNATURE,
    SPLIT,
    TOKENS,
    VERIFY,
    VERIFY_KNOWN,
    VERIFY_LONG,
    VERIFY_SCOPES,
)
from benchmarks.peers import pyjwt_middleware
from benchmarks.peers.asgi_bearer import NoOpMiddleware
from benchmarks.tokens import AUDIENCE, ISSUER, Signer, claims, long_claims, segment

if TYPE_CHECKING:
    from starlette.types import ASGIApp

Run = Callable[[int], None]
"""Makes one call with each of the tokens, so many times."""

Argument = TypeVar("Argument")


def subjects(loop: asyncio.AbstractEventLoop) -> Mapping[str, Run]:
    """Return all subjects by name; requests are served in `loop`."""
    signer = Signer.new("RS256")
    tokens = signer.tokens(TOKENS)
    keys = _fetched(loop, signer)
    return {
        NOTHING: _each(lambda _: None, tokens),
        NOTHING_AWAITED: _each_awaited(_nothing, tokens),
        **_requests(loop, signer, keys, tokens),
        **_verifications(loop),
        **_known_tokens(signer, keys, tokens),
        **_steps(signer, keys, tokens),
    }


def _requests(
    loop: asyncio.AbstractEventLoop, signer: Signer, keys: KeySource, tokens: Sequence[str]
) -> dict[str, Run]:
    sent = [request(token) for token in tokens]

    def through(app: "ASGIApp") -> Run:
        connection = Connection(loop, app)
        return lambda times: connection.send(sent * times)

    def guard(*, cache: bool, **options: Any) -> Middleware:
        return Middleware(
            BearerMiddleware,
            verifier=verifiers.ours(keys, cache=cache),
            scopes=guarded.SCOPES,
            **options,
        )

    pyjwt = pyjwt_middleware.guard(signer.private_key.public_key(), AUDIENCE, ISSUER)
    known = verifiers.ours(keys, cache=True)
    return {
        NO_GUARD: through(_starlette(Middleware(NoOpMiddleware))),
        KNOWN: through(_starlette(guard(cache=True))),
        KNOWN_WITHOUT_HEADER: through(_starlette(guard(cache=True, cache_control=False))),
        NEW: through(_starlette(guard(cache=False))),
        PYJWT: through(_starlette(pyjwt)),
        BARE: through(NoOpMiddleware(guarded.application)),
        BARE_KNOWN: through(guarded.guard(known)),
    }


def _verifications(loop: asyncio.AbstractEventLoop) -> dict[str, Run]:
    """Return a whole verification with each algorithm, and its signature check alone."""
    runs: dict[str, Run] = {}
    for alg in ALGORITHMS:
        signer = Signer.new(alg)
        tokens = signer.tokens(TOKENS)
        signed = [verifiers.signature_input(signer, token) for token in tokens]
        verifier = verifiers.ours(_fetched(loop, signer), cache=False)
        runs[RAW.format(alg)] = _each(verifiers.signature_check(signer), signed)
        runs[VERIFY.format(alg)] = _each_awaited(verifier.verify, [*map(Presented, tokens)])
    return runs


def _known_tokens(signer: Signer, keys: KeySource, tokens: Sequence[str]) -> dict[str, Run]:
    verifier = verifiers.ours(keys, cache=True, max_token_bytes=32 * 1024)
    scopes = " ".join(f"read:contacts{number}" for number in range(500))
    by_name = {
        VERIFY_KNOWN: tokens,
        VERIFY_LONG: [signer.token(long_claims(12 * 1024, number)) for number in range(TOKENS)],
        VERIFY_SCOPES: [signer.token(claims(number, scope=scopes)) for number in range(TOKENS)],
    }
    # The signature of another token is checked in full; random bytes may be refused at once.
    numbers = segment(json.dumps(claims(numbers=[0] * 3840)).encode()).decode()
    parts = [token.split(".") for token in tokens]
    junk = [f"{head}.{numbers}.{signature}" for head, _, signature in parts]
    return {
        **{
            name: _each_awaited(verifier.verify, [*map(Presented, some)])
            for name, some in by_name.items()
        },
        JUNK: _each_refused(
            lambda token: verifier.verify(token).send(None), [*map(Presented, junk)]
        ),
        RAW_JUNK: _each_refused(
            verifiers.signature_check(signer),
            [verifiers.signature_input(signer, token) for token in junk],
        ),
    }


def _steps(signer: Signer, keys: KeySource, tokens: Sequence[str]) -> dict[str, Run]:
    encoded = [token.encode() for token in tokens]
    scopes = [{"headers": guarded.headers(token)} for token in tokens]
    credentials = [Presented.in_scope(scope) for scope in scopes]
    header = parse(tokens[0], max_bytes=MAX_TOKEN_BYTES).header
    split_tokens = [split(token, lambda _: header, max_bytes=MAX_TOKEN_BYTES) for token in encoded]
    decoded = [decoded_object(one.payload) for one in split_tokens]
    signatures = [token.rpartition(b".")[2] for token in encoded]
    profile = PROFILES["jwt"]
    expected = Expected(ISSUER, frozenset({AUDIENCE}), verifiers.LEEWAY)
    now = float(claims()["iat"])

    def check_claims(one: Mapping[str, object]) -> None:
        check_issuer(one, expected)
        for check in profile.checks:
            check(one, expected)
        validity(one, expected, now)

    def make_principal(one: dict[str, object]) -> None:
        names = granted_scopes(one, profile, expected)
        principal_of(one, issuer=ISSUER, scopes=names)

    return {
        DIGEST: _each(lambda signature: sha256(signature).digest(), signatures),
        FIND: _each(Presented.in_scope, scopes),
        PARSE: _each(Presented.unchecked_token, credentials),
        SPLIT: _each(
            lambda token: split(token, lambda _: header, max_bytes=MAX_TOKEN_BYTES), encoded
        ),
        DECODE: _each(lambda one: decoded_object(one.payload, verified_json_object), split_tokens),
        SIGNATURE: _each_awaited(
            lambda one: signing_key(one, keys, rsa_default="RS256"), split_tokens
        ),
        CLAIMS: _each(check_claims, decoded),
        PRINCIPAL: _each(make_principal, decoded),
    }


def _fetched(loop: asyncio.AbstractEventLoop, signer: Signer) -> KeySource:
    """Return a source of fetched keys, as applications use it."""
    keys = verifiers.remote(signer)
    loop.run_until_complete(keys.key_set())
    return keys


def _starlette(*middleware: Middleware) -> Starlette:
    return Starlette(routes=[Route("/contacts", _contacts)], middleware=middleware)


async def _contacts(_request: Request) -> JSONResponse:
    return JSONResponse({"owner": "anonymous"})


async def _nothing(_argument: object) -> None:
    return None


def _each(call: Callable[[Argument], object], arguments: Sequence[Argument]) -> Run:
    def run(times: int) -> None:
        for _ in range(times):
            for argument in arguments:
                call(argument)

    return run


def _each_awaited(
    call: Callable[[Argument], Coroutine[Any, Any, object]], arguments: Sequence[Argument]
) -> Run:
    """Return the same for coroutines that never wait."""

    def run_one(argument: Argument) -> None:
        try:
            call(argument).send(None)
        except StopIteration:
            return
        raise RuntimeError("the coroutine waits")

    return _each(run_one, arguments)


def _each_refused(call: Callable[[Argument], object], arguments: Sequence[Argument]) -> Run:
    """Return the same for calls that raise a refusal."""

    def run_one(argument: Argument) -> None:
        try:
            call(argument)
        except (InvalidTokenError, InvalidSignature):
            return
        raise RuntimeError("the token is not refused")

    return _each(run_one, arguments)
