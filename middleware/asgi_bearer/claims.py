"""What the claims of an access token must say: small checks, and profiles as tuples of them.

A check takes the claims, what is expected and the time in seconds since the epoch, and raises or
returns nothing. The checks run after the signature was found good, except `check_issuer`, which
decides whose key to ask for and is no part of a profile: every token has to pass it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from asgi_bearer.errors import (
    AudienceMismatch,
    ClaimMalformed,
    ClaimMissing,
    IDTokenPresented,
    IssuerMismatch,
    TokenBoundToKey,
    TokenExpired,
    TokenNotYetValid,
    shown,
)
from asgi_bearer.jose import is_array
from asgi_bearer.scopes import scope_names

Claims = Mapping[str, object]

LAST_NUMERIC_DATE: Final = 253_402_300_799
"""The end of the year 9999; beyond it stand milliseconds taken for seconds, and infinity."""

_STRINGS: Final = frozenset({str})
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

_ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""They tie an ID token to its request and response (OpenID Connect Core §2, §3.3.2.11)."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims are held against.

    Arguments:
        issuer: the issuer identifier.
        audiences: identifiers of this API, any of which `aud` may name.
        leeway: seconds by which the issuer's clock may differ.
    """

    issuer: str
    audiences: frozenset[str]
    leeway: float


Check = Callable[[Claims, Expected, float], None]


def check_issuer(claims: Claims, expected: Expected) -> None:
    """Check that `iss` is the configured issuer, byte for byte (RFC 9068 §4, RFC 8725 §3.8)."""
    issuer = claims.get("iss")
    if issuer != expected.issuer:
        _require(claims, "iss")
        raise IssuerMismatch(f"iss is {shown(issuer)}, expected {shown(expected.issuer)}")


def check_audience(claims: Claims, expected: Expected, now: float) -> None:
    """Check that `aud`, a string or an array of strings, names this API (RFC 7519 §4.1.3)."""
    audience = claims.get("aud")
    names = [audience] if isinstance(audience, str) else audience
    if not is_array(names) or not _STRINGS.issuperset(map(type, names)):
        _require(claims, "aud")
        raise ClaimMalformed(f"aud is {shown(audience)}, neither a string nor an array of strings")
    if expected.audiences.isdisjoint(names):
        raise AudienceMismatch(f"aud is {shown(audience)}")


def check_expiry(claims: Claims, expected: Expected, now: float) -> None:
    """Check that the time is before `exp` and its leeway (RFC 7519 §4.1.4)."""
    _require(claims, "exp")
    expiry = numeric_date("exp", claims["exp"])
    # Asked this way round, so that a clock that answers nonsense (NaN) lets nothing pass.
    if not now < expiry + expected.leeway:
        raise TokenExpired(f"expired {now - expiry:.0f} s ago")


def check_not_before(claims: Claims, expected: Expected, now: float) -> None:
    """Check that the time is not before `nbf`, where it is present (RFC 7519 §4.1.5)."""
    if "nbf" in claims:
        _check_past("nbf", claims["nbf"], expected, now)


def check_issued_at(claims: Claims, expected: Expected, now: float) -> None:
    """Check that `iat`, where it is present, does not lie in the future."""
    if "iat" in claims:
        _check_past("iat", claims["iat"], expected, now)


def check_subject(claims: Claims, expected: Expected, now: float) -> None:
    """Check that `sub`, where it is present, can be told apart and logged (RFC 7519 §4.1.2)."""
    if "sub" in claims:
        _named_party("sub", claims["sub"])


def check_client(claims: Claims, expected: Expected, now: float) -> None:
    """Check that `client_id` and `azp`, where present, are what `client_id` returns."""
    for name in ("client_id", "azp"):
        if name in claims:
            _named_party(name, claims[name])


def check_no_id_token(claims: Claims, expected: Expected, now: float) -> None:
    """Check that this is no ID token with the API as its audience (RFC 8725 §3.12)."""
    if not _ID_TOKEN_CLAIMS.isdisjoint(claims):
        found = ", ".join(sorted(_ID_TOKEN_CLAIMS.intersection(claims)))
        raise IDTokenPresented(f"the claims hold {found}")


def check_not_bound(claims: Claims, expected: Expected, now: float) -> None:
    """Check that the token is not bound to a key that nobody has proved here (RFC 7800 §3.1).

    Any `cnf` refuses, also one with members that are not known: to overlook it would turn a
    bound token into one that its thief can use.
    """
    if "cnf" in claims:
        raise TokenBoundToKey("the claims hold cnf, and no proof is taken with Bearer")


def check_token_id(claims: Claims, expected: Expected, now: float) -> None:
    """Check that `jti`, where it is present, is a string (RFC 7519 §4.1.7)."""
    if not isinstance(claims.get("jti", ""), str):
        raise ClaimMalformed(f"jti is {shown(claims['jti'])}, not a string")


def check_rfc9068_claims(claims: Claims, expected: Expected, now: float) -> None:
    """Check that all seven required claims are there (RFC 9068 §2.2)."""
    for name in ("iss", "exp", "aud", "sub", "client_id", "iat", "jti"):
        _require(claims, name)
    if not claims["jti"]:
        raise ClaimMalformed("jti is empty")


@dataclass(frozen=True, slots=True)
class Profile:
    """A way of writing access tokens.

    Arguments:
        types: the `typ` headers it takes, in lower case; None stands for an absent one.
        scope_claims: where the scopes are, the first that is present counts.
        checks: the checks on verified claims, in order; what the caller may be told apart
            (expiry) stands behind what it may not (audience).
    """

    types: frozenset[str | None]
    scope_claims: tuple[str, ...]
    checks: tuple[Check, ...]


_COMMON: Final[tuple[Check, ...]] = (
    check_audience,
    check_not_bound,
    check_no_id_token,
    check_expiry,
    check_not_before,
    check_issued_at,
    check_subject,
    check_client,
    check_token_id,
)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        # As Auth0, Entra, Okta and Keycloak send them. A list of what is taken, not of what is
        # refused: logout+jwt, dpop+jwt, secevent+jwt and the ones not invented yet stay out.
        "jwt": Profile(
            types=frozenset({"at+jwt", "jwt", None}),
            scope_claims=("scope", "scp"),
            checks=_COMMON,
        ),
        "rfc9068": Profile(
            types=frozenset({"at+jwt"}),
            scope_claims=("scope",),
            checks=(*_COMMON, check_rfc9068_claims),
        ),
    }
)


def numeric_date(name: str, value: object) -> float:
    """Return claim `name` as seconds since the epoch (NumericDate, RFC 7519 §2).

    Raises:
        ClaimMalformed: it is no number, or not within 1970 to 9999.
    """
    # True is an int in Python and no number in JSON.
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ClaimMalformed(f"{name} is {shown(value)}, not a number")
    if not 0 <= value <= LAST_NUMERIC_DATE:
        raise ClaimMalformed(f"{name} is not within the years 1970 to 9999")
    return value


def validity(claims: Claims, expected: Expected) -> tuple[float, float]:
    """Return from when and until when checked `claims` pass the checks on time."""
    not_before = numeric_date("nbf", claims.get("nbf", 0))
    issued_at = numeric_date("iat", claims.get("iat", 0))
    begins = max(not_before, issued_at)
    return begins - expected.leeway, numeric_date("exp", claims["exp"]) + expected.leeway


def granted_scopes(claims: Claims, profile: Profile) -> frozenset[str]:
    """Return the scopes in `claims`; groups, roles and permissions are none of them.

    Raises:
        ClaimMalformed: a claim that is there for scopes does not hold scope names, whether it is
            the one that counts or not (RFC 6749 §3.3).
    """
    granted: frozenset[str] | None = None
    for name in profile.scope_claims:
        if name in claims:
            names = scope_names(name, claims[name])
            granted = names if granted is None else granted
    return granted or frozenset()


def _require(claims: Claims, name: str) -> None:
    if name not in claims:
        raise ClaimMissing(f"{name} is missing")


def _check_past(name: str, value: object, expected: Expected, now: float) -> None:
    date = numeric_date(name, value)
    if not date - expected.leeway <= now:
        raise TokenNotYetValid(f"{name} lies {date - now:.0f} s ahead")


def _named_party(name: str, value: object) -> None:
    # A name with control characters was made to break a log or a database, not to identify.
    if not isinstance(value, str) or not value or _CONTROL.search(value):
        raise ClaimMalformed(f"{name} is {shown(value)}, not a name")
