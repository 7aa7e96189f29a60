"""What is wrong with the arguments of a `JWTVerifier`, all of it at once."""

import inspect
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, TypeGuard

from asgi_bearer.algorithms import TABLE, rsa_default
from asgi_bearer.claims import PROFILES
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES
from asgi_bearer.jwt.kinds import ScopeClaim
from asgi_bearer.keys.address import (
    address_fault,
    allow_http_faults,
    issuer_fault,
    shown_address,
)
from asgi_bearer.principal import Principal

MAX_LEEWAY: Final = 300.0
"""A clock that is five minutes wrong is a fault to mend, not to allow for."""

MAX_VERIFIED_TOKENS: Final = 1_000_000

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

ClaimRule = Callable[[Principal], bool]


def scope_paths(
    scope_claims: str | Collection[ScopeClaim] | None,
) -> tuple[ScopeClaim, ...] | None:
    """Return `scope_claims` as a tuple; one string is one claim."""
    if scope_claims is None:
        return None
    return (scope_claims,) if isinstance(scope_claims, str) else tuple(scope_claims)


def argument_faults(
    *,
    issuer: object,
    audience: str | Collection[str],
    audience_claim: object,
    jwks_uri: str | None,
    keys: object,
    allow_http: Collection[str],
    algorithms: Collection[str],
    profile: str,
    scope_claims: str | Collection[ScopeClaim] | None,
    leeway: float,
    rules: Mapping[str, ClaimRule] | None,
    verified_tokens: object,
    max_token_bytes: int,
) -> list[str]:
    """Return a sentence for each argument that is wrong or contradicts another."""
    return [
        *_about_keys(issuer, jwks_uri, keys, allow_http),
        *_about_claims(audience, audience_claim, scope_claims, profile),
        *_about_algorithms(algorithms),
        *_about_bounds(leeway, verified_tokens, max_token_bytes),
        *(
            f"rules: {name!r} is not a plain function"
            for name, rule in (rules or {}).items()
            if not _is_function(rule)
        ),
    ]


def _about_keys(
    issuer: object, jwks_uri: str | None, keys: object, allow_http: Collection[str]
) -> Iterator[str]:
    discovered = jwks_uri is None and keys is None
    fault = issuer_fault(issuer, allow_http=allow_http) if discovered else _name_fault(issuer)
    if fault:
        yield f"issuer {fault}, not {shown_address(issuer)!r}"
    if jwks_uri is not None and (fault := address_fault(jwks_uri, allow_http=allow_http)):
        yield f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}"
    if jwks_uri is not None and keys is not None:
        yield "jwks_uri and keys exclude each other"
    if allow_http and keys is not None:
        yield "allow_http and keys exclude each other: give it to the source of the keys"
    yield from allow_http_faults(allow_http)


def _about_claims(
    audience: str | Collection[str],
    audience_claim: object,
    scope_claims: str | Collection[ScopeClaim] | None,
    profile: str,
) -> Iterator[str]:
    audiences = [audience] if isinstance(audience, str) else list(audience or ())
    if not audiences or not all(map(_is_name, audiences)):
        yield "audience must be the identifier of this API and not empty"
    if not _is_name(audience_claim):
        yield f"audience_claim must be the name of a claim, not {audience_claim!r}"
    if profile not in PROFILES:
        yield f"profile must be one of {', '.join(PROFILES)}, not {profile!r}"
    if profile == "rfc9068" and audience_claim != "aud":
        yield "audience_claim must be aud in the profile rfc9068, whose tokens have it"
    paths = scope_paths(scope_claims)
    if paths is not None and not (paths and all(map(_is_path, paths))):
        yield (
            "scope_claims must be names of claims, or tuples of names that lead through objects,"
            f" not {scope_claims!r}"
        )


def _about_algorithms(algorithms: Collection[str]) -> Iterator[str]:
    if isinstance(algorithms, str) or not algorithms or not TABLE.keys() >= set(algorithms):
        yield f"algorithms must be some of {', '.join(TABLE)}, not {algorithms!r}"
    elif rsa_default(algorithms) is None:
        yield (
            f"algorithms leaves open what an RSA key without alg serves: name RS256 or one other"
            f" algorithm of RSA, not {', '.join(sorted(algorithms))}"
        )


def _about_bounds(leeway: float, verified_tokens: object, max_token_bytes: int) -> Iterator[str]:
    if not (math.isfinite(leeway) and 0 <= leeway <= MAX_LEEWAY):
        yield f"leeway must be 0 to {MAX_LEEWAY:.0f} seconds, not {leeway!r}"
    if not (_is_count(verified_tokens) and 0 <= verified_tokens <= MAX_VERIFIED_TOKENS):
        yield f"verified_tokens must be 0 to {MAX_VERIFIED_TOKENS}"
    if not 0 < max_token_bytes <= MAX_CREDENTIAL_BYTES:
        yield f"max_token_bytes must be 1 to {MAX_CREDENTIAL_BYTES}"


def _name_fault(issuer: object) -> str | None:
    """Return what is wrong with an issuer that is only compared."""
    if not isinstance(issuer, str) or not issuer:
        return "must be the string that its tokens have in iss"
    return "must not hold control characters" if _CONTROL.search(issuer) else None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_path(value: object) -> bool:
    return _is_name(value) or (_is_tuple(value) and value != () and all(map(_is_name, value)))


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_function(value: object) -> bool:
    # What `async def` returns is never True.
    return callable(value) and not inspect.iscoroutinefunction(value)
