"""Checks the arguments of `JWTVerifier`, which reports all faults at once."""

import inspect
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, TypeGuard

from asgi_bearer.caller import Principal
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES
from asgi_bearer.jose.algorithms import TABLE, rsa_default
from asgi_bearer.jose.encoding import is_number
from asgi_bearer.jwt.claims import PROFILES
from asgi_bearer.jwt.cross_jwt_confusion import ScopeClaim
from asgi_bearer.keys.urls import address_fault, allow_http_faults, issuer_fault, shown_address

MAX_LEEWAY: Final = 300.0
"""Seconds. A clock that is five minutes wrong must be corrected, not tolerated."""

MAX_VERIFIED_TOKENS: Final = 1_000_000

_CONTROL_CHARACTER: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

ClaimRule = Callable[[Principal], bool]


def scope_paths(scope_claims: str | Collection[ScopeClaim] | None) -> tuple[ScopeClaim, ...] | None:
    """Return `scope_claims` as a tuple; one string is one claim."""
    if scope_claims is None:
        return None
    return (scope_claims,) if isinstance(scope_claims, str) else tuple(scope_claims)


def key_faults(
    issuer: object, jwks_uri: object, keys: object, allow_http: Collection[str]
) -> Iterator[str]:
    """Yield what is wrong with the issuer, or with where its keys come from."""
    is_discovered = jwks_uri is None and keys is None
    fault = issuer_fault(issuer, allow_http=allow_http) if is_discovered else _name_fault(issuer)
    if fault:
        yield f"issuer {fault}, not {shown_address(issuer)!r}"
    if jwks_uri is not None and (fault := address_fault(jwks_uri, allow_http=allow_http)):
        yield f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}"
    if keys is not None and not callable(getattr(keys, "key_set", None)):
        # The value is not quoted: it may be a key.
        yield "keys must be a source of keys, such as StaticKeys({'keys': [...]}) or remote_keys()"
    if jwks_uri is not None and keys is not None:
        yield "jwks_uri cannot be combined with keys"
    if allow_http and keys is not None:
        yield "allow_http cannot be combined with keys: pass allow_http to the key source"
    yield from allow_http_faults(allow_http)


def claim_faults(
    audience: object, audience_claim: object, scope_claims: object, profile: object
) -> Iterator[str]:
    """Yield what is wrong with the arguments that say how claims are read."""
    audiences = _strings(audience)
    if not audiences or "" in audiences:
        yield "audience must be the identifier of this API, or several, and not empty"
    if not _is_name(audience_claim):
        yield f"audience_claim must be the name of a claim, not {audience_claim!r}"
    if not isinstance(profile, str) or profile not in PROFILES:
        yield f"profile must be one of {', '.join(PROFILES)}, not {profile!r}"
    if profile == "rfc9068" and audience_claim != "aud":
        yield "audience_claim must be aud in the profile rfc9068, which requires aud"
    paths = (scope_claims,) if isinstance(scope_claims, str) else scope_claims
    if paths is not None and not (_is_collection(paths) and paths and all(map(_is_path, paths))):
        yield (
            "scope_claims must be names of claims, or tuples of names as paths through objects,"
            f" not {scope_claims!r}"
        )


def algorithm_faults(algorithms: object) -> Iterator[str]:
    """Yield what is wrong with the accepted algorithms."""
    names = None if isinstance(algorithms, str) else _strings(algorithms)
    if not names or not TABLE.keys() >= set(names):
        yield f"algorithms must be some of {', '.join(TABLE)}, not {algorithms!r}"
    elif rsa_default(names) is None:
        yield (
            "algorithms must hold RS256, or exactly one other RSA algorithm, for RSA keys without"
            f" alg, not {', '.join(sorted(names))}"
        )


def limit_faults(leeway: object, verified_tokens: object, max_token_bytes: object) -> Iterator[str]:
    """Yield what is wrong with the numbers."""
    # Written so that NaN fails the comparison.
    if not (is_number(leeway) and 0 <= leeway <= MAX_LEEWAY):
        yield f"leeway must be 0 to {MAX_LEEWAY:.0f} seconds, not {leeway!r}"
    if not (_is_count(verified_tokens) and 0 <= verified_tokens <= MAX_VERIFIED_TOKENS):
        yield f"verified_tokens must be 0 to {MAX_VERIFIED_TOKENS}"
    if not (_is_count(max_token_bytes) and 0 < max_token_bytes <= MAX_CREDENTIAL_BYTES):
        yield f"max_token_bytes must be 1 to {MAX_CREDENTIAL_BYTES}"


def function_faults(rules: object, clock: object) -> Iterator[str]:
    """Yield what is wrong with the rules and the clock."""
    if rules is not None and not _is_mapping(rules):
        yield "rules must be a mapping of names to plain functions, as in {'tenant': is_our_tenant}"
    elif rules is not None:
        for name, rule in rules.items():
            if not isinstance(name, str) or not _is_function(rule):
                yield f"rules: {name!r} must be a name that maps to a plain function"
    if not _is_function(clock):
        yield "clock must be a function that returns seconds since the epoch"


def _name_fault(issuer: object) -> str | None:
    """Return what is wrong with an issuer that need not be a URL, or None."""
    if not isinstance(issuer, str) or not issuer:
        return "must be the string in the iss claim of its tokens"
    return "must not hold control characters" if _CONTROL_CHARACTER.search(issuer) else None


def _strings(value: object) -> tuple[str, ...] | None:
    """Return a string or a collection of strings as a tuple, or None for another type.

    An iterator is refused, because it would be empty when it is used later.
    """
    if isinstance(value, str):
        return (value,)
    if not _is_collection(value):
        return None
    strings = tuple(item for item in value if isinstance(item, str))
    return strings if len(strings) == len(value) else None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_path(value: object) -> bool:
    return _is_name(value) or (_is_tuple(value) and value != () and all(map(_is_name, value)))


def _is_tuple(value: object) -> TypeGuard[tuple[object, ...]]:
    return isinstance(value, tuple)


def _is_collection(value: object) -> TypeGuard[Collection[object]]:
    return isinstance(value, Collection)


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    return isinstance(value, Mapping)


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_function(value: object) -> bool:
    # A coroutine function is refused: what it returns is never True.
    return callable(value) and not inspect.iscoroutinefunction(value)
