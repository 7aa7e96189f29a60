"""Checks the claims of an access token: issuer, audience, names, times, scopes.

A check takes the claims and the expected values; it raises an exception or returns None. A profile
is a tuple of checks, which run after the signature was verified. `check_issuer` runs before,
because it decides whose keys to use. The times (`validity`) are checked last.
`cross_jwt_confusion` refuses ID tokens (`nonce`) and other JWTs.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import Final

from asgi_bearer.caller import CLIENT_CLAIMS
from asgi_bearer.errors import (
    IDENTIFIER_CHARACTERS,
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    IssuerMismatch,
    TokenExpired,
    TokenNotYetValid,
    shown,
)
from asgi_bearer.jose.encoding import is_array, is_object
from asgi_bearer.jwt.cross_jwt_confusion import (
    Claims,
    ScopeClaim,
    is_plain_access_token,
    other_jwt_refusal,
)
from asgi_bearer.scopes import scope_names, scope_names_in_roles

LAST_NUMERIC_DATE: Final = 253_402_300_799
"""The end of the year 9999. A larger value is in milliseconds, or infinite."""

_SCOPE_CLAIMS: Final = frozenset({"scope", "scp"})
"""Claims that hold only scope names."""

_NAMES: Final = ("sub", *CLIENT_CLAIMS)

_STRING_ONLY: Final = frozenset({str})
_CONTROL_CHARACTER: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Expected:
    """The values that the claims are compared with.

    Arguments:
        issuer: the issuer identifier.
        audiences: identifiers of this API; the token must name one of them.
        leeway: seconds by which the issuer's clock may differ.
        audience_claim: the claim that names the audience; `aud`, unless the issuer writes none.
        scope_claims: the claims that hold scopes, instead of the claims of the profile.
    """

    issuer: str
    audiences: frozenset[str]
    leeway: float
    audience_claim: str = "aud"
    scope_claims: tuple[ScopeClaim, ...] | None = None


Check = Callable[[Claims, Expected], None]


def check_issuer(claims: Claims, expected: Expected) -> None:
    """Check that `iss` is the configured issuer, byte for byte (RFC 9068 §4, RFC 8725 §3.8)."""
    issuer = claims.get("iss")
    if issuer != expected.issuer:
        _require(claims, "iss")
        raise issuer_mismatch(issuer, expected)


def issuer_mismatch(issuer: object, expected: Expected) -> IssuerMismatch:
    """Return the refusal of a token of another issuer."""
    return IssuerMismatch(f"iss is {_identifier(issuer)}, expected {_identifier(expected.issuer)}")


def check_audience(claims: Claims, expected: Expected) -> None:
    """Check that `aud`, a string or an array of strings, names this API (RFC 7519 §4.1.3)."""
    claim = expected.audience_claim
    audience = claims.get(claim)
    names = [audience] if isinstance(audience, str) else audience
    if not is_array(names) or not _STRING_ONLY.issuperset(map(type, names)):
        _require(claims, claim)
        raise ClaimMalformed(
            f"{claim} is {shown(audience)}, it must be a string or an array of strings"
        )
    if expected.audiences.isdisjoint(names):
        expected_names = " or ".join(_identifier(name) for name in sorted(expected.audiences))
        raise AudienceMismatch(f"{claim} is {_identifier(audience)}, expected {expected_names}")


def _identifier(identifier: object) -> str:
    return shown(identifier, characters=IDENTIFIER_CHARACTERS)


def check_kind(claims: Claims, expected: Expected) -> None:
    """Check that this is a bearer access token and not another JWT (RFC 8725 §3.12)."""
    if not is_plain_access_token(claims):
        refusal = other_jwt_refusal(claims, expected.scope_claims or ())
        if refusal is not None:
            raise refusal


def check_names(claims: Claims, expected: Expected) -> None:
    """Check that subject and client are strings, not empty and without control characters.

    RFC 7519 §4.1.2, §4.1.7; RFC 8693 §4.3; OpenID Connect Core §2. They could forge log lines.
    """
    for name in _NAMES:
        if name in claims:
            value = claims[name]
            # isprintable() is faster than the search, and nearly every name passes it.
            if (
                not isinstance(value, str)
                or not value
                or (not value.isprintable() and _CONTROL_CHARACTER.search(value))
            ):
                raise ClaimMalformed(f"{name} is {shown(value)}, it must be a name")
    if "jti" in claims and not isinstance(claims["jti"], str):
        raise ClaimMalformed(f"jti is {shown(claims['jti'])}, it must be a string")


def check_rfc9068_claims(claims: Claims, expected: Expected) -> None:
    """Check that the seven required claims are present (RFC 9068 §2.2)."""
    for name in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti"):
        _require(claims, name)
    if not claims["jti"]:
        raise ClaimMalformed("jti is empty")


@dataclass(frozen=True, slots=True)
class Profile:
    """A format of access tokens.

    Arguments:
        types: the accepted `typ` headers, in lower case; None accepts a token without `typ`.
        scope_claims: the claims that hold scopes; the first one that is present counts.
        scope_arrays: whether these claims may be arrays.
        checks: the checks of the claims, in order. The times are checked after them: the client
            may learn that its token has expired, but not that its audience is wrong.
    """

    types: frozenset[str | None]
    scope_claims: tuple[str, ...]
    scope_arrays: bool
    checks: tuple[Check, ...]


_COMMON: Final[tuple[Check, ...]] = (check_audience, check_kind, check_names)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        # The tokens of Auth0, Entra, Okta and Keycloak. It is a list of the accepted types, so that
        # logout+jwt, dpop+jwt, secevent+jwt and all future types are refused.
        "jwt": Profile(
            types=frozenset({"at+jwt", "jwt", None}),
            scope_claims=("scope", "scp"),
            scope_arrays=True,
            checks=_COMMON,
        ),
        "rfc9068": Profile(
            types=frozenset({"at+jwt"}),
            scope_claims=("scope",),
            scope_arrays=False,
            checks=(*_COMMON, check_rfc9068_claims),
        ),
    }
)


def numeric_date(name: str, value: object) -> float:
    """Return claim `name` as seconds since the epoch (NumericDate, RFC 7519 §2).

    Raises:
        ClaimMalformed: it is not a number, or not within the years 1970 to 9999.
    """
    # Not isinstance: True is an int in Python, but not a number in JSON.
    if type(value) is not int and type(value) is not float:
        raise ClaimMalformed(f"{name} is {shown(value)}, it must be a number")
    if not 0 <= value <= LAST_NUMERIC_DATE:
        raise ClaimMalformed(f"{name} must be within the years 1970 to 9999")
    return value


def validity(claims: Claims, expected: Expected, now: float) -> tuple[float, float]:
    """Return the time from which and the time until which a token is valid, leeway included.

    `exp` is required; `nbf` and `iat` must not lie in the future (RFC 7519 §4.1.4 to §4.1.6).

    Arguments:
        now: seconds since the epoch.

    Raises:
        ClaimMissing: there is no `exp`.
        ClaimMalformed: one of the claims is not a NumericDate.
        TokenExpired, TokenNotYetValid: the token has expired, or is not valid yet.
    """
    if "exp" not in claims:
        raise ClaimMissing("exp is missing")
    valid_until = numeric_date("exp", claims["exp"]) + expected.leeway
    # Without a finite time no token is valid.
    if not -math.inf < now < valid_until:
        raise TokenExpired(f"expired {now - valid_until + expected.leeway:.0f} s ago")
    valid_from = 0.0
    for name in ("nbf", "iat"):
        if name in claims:
            date = numeric_date(name, claims[name]) - expected.leeway
            if not date <= now:
                raise TokenNotYetValid(
                    f"{name} is {date + expected.leeway - now:.0f} s in the future"
                )
            if date > valid_from:
                valid_from = date
    return valid_from, valid_until


def granted_scopes(claims: Claims, profile: Profile, expected: Expected) -> frozenset[str]:
    """Return the scopes that `claims` grant.

    If `expected.scope_claims` names claims, such as roles or permissions, the scopes in all of
    them are granted. Otherwise only the first scope claim of the profile counts.

    Raises:
        ClaimMalformed: one of the scope claims does not hold scope names (RFC 6749 §3.3).
    """
    if expected.scope_claims is not None:
        found = (_names_at(claims, claim, profile) for claim in expected.scope_claims)
        return frozenset(chain.from_iterable(found))
    granted: frozenset[str] | None = None
    for name in profile.scope_claims:
        if name in claims:
            names = scope_names(name, claims[name], arrays=profile.scope_arrays)
            if granted is None:
                granted = names
    return granted or frozenset()


def _names_at(claims: Claims, claim: ScopeClaim, profile: Profile) -> frozenset[str]:
    path = (claim,) if isinstance(claim, str) else claim
    value: object = claims
    for depth, name in enumerate(path):
        if value is None:
            return frozenset()
        if not is_object(value):
            raise ClaimMalformed(
                f"{'.'.join(path[:depth])} is {shown(value)}, it must be an object"
            )
        if name not in value:
            return frozenset()
        value = value[name]
    if path[0] in _SCOPE_CLAIMS and len(path) == 1:
        return scope_names(path[0], value, arrays=profile.scope_arrays)
    return scope_names_in_roles(".".join(path), value)


def _require(claims: Claims, name: str) -> None:
    if name not in claims:
        raise ClaimMissing(f"{name} is missing")
