"""What the claims of an access token must say: small checks, and profiles as tuples of them.

A check takes the claims and what is expected, and raises or returns nothing. The checks run after
the signature was found good, except `check_issuer`, which decides whose key to ask for. It is no
part of a profile, because every token has to pass it; nor are the times (`validity`), which come
last.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from asgi_bearer.encoding import is_array
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
from asgi_bearer.scopes import scope_names

Claims = Mapping[str, object]

LAST_NUMERIC_DATE: Final = 253_402_300_799
"""The end of the year 9999; beyond it stand milliseconds taken for seconds, and infinity."""

_STRINGS: Final = frozenset({str})
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

_ID_TOKEN_CLAIMS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
"""They tie an ID token to its request and response (OpenID Connect Core §2, §3.3.2.11)."""

_OF_OTHER_KINDS: Final = _ID_TOKEN_CLAIMS | {"cnf"}


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


Check = Callable[[Claims, Expected], None]


def check_issuer(claims: Claims, expected: Expected) -> None:
    """Check that `iss` is the configured issuer, byte for byte (RFC 9068 §4, RFC 8725 §3.8)."""
    issuer = claims.get("iss")
    if issuer != expected.issuer:
        _require(claims, "iss")
        raise IssuerMismatch(f"iss is {shown(issuer)}, expected {shown(expected.issuer)}")


def check_audience(claims: Claims, expected: Expected) -> None:
    """Check that `aud`, a string or an array of strings, names this API (RFC 7519 §4.1.3)."""
    audience = claims.get("aud")
    names = [audience] if isinstance(audience, str) else audience
    if not is_array(names) or not _STRINGS.issuperset(map(type, names)):
        _require(claims, "aud")
        raise ClaimMalformed(f"aud is {shown(audience)}, neither a string nor an array of strings")
    if expected.audiences.isdisjoint(names):
        raise AudienceMismatch(f"aud is {shown(audience)}")


def check_kind(claims: Claims, expected: Expected) -> None:
    """Check that this is a bearer token, not bound to a key, and no ID token.

    Nobody has proved here that a key is his (RFC 7800 §3.1). Any `cnf` refuses, also one with
    members that are not known: to overlook it would turn a bound token into one that its thief
    can use. The audience of an ID token may be this API as well (RFC 8725 §3.12).
    """
    if _OF_OTHER_KINDS.isdisjoint(claims):
        return
    if "cnf" in claims:
        raise TokenBoundToKey("the claims hold cnf, and no proof is taken with Bearer")
    found = ", ".join(sorted(_ID_TOKEN_CLAIMS.intersection(claims)))
    raise IDTokenPresented(f"the claims hold {found}")


def check_names(claims: Claims, expected: Expected) -> None:
    """Check that `sub`, `client_id`, `azp` and `jti`, where present, can be told apart and logged.

    RFC 7519 §4.1.2, §4.1.7; RFC 8693 §4.3; OpenID Connect Core §2 (`azp`). A name with control
    characters was made to break a log or a database, not to identify.
    """
    for name in ("sub", "client_id", "azp"):
        if name in claims:
            value = claims[name]
            # What is printable holds none; that nearly all names are is seen in no time.
            if not (
                isinstance(value, str)
                and value
                and (value.isprintable() or not _CONTROL.search(value))
            ):
                raise ClaimMalformed(f"{name} is {shown(value)}, not a name")
    if not isinstance(claims.get("jti", ""), str):
        raise ClaimMalformed(f"jti is {shown(claims['jti'])}, not a string")


def check_rfc9068_claims(claims: Claims, expected: Expected) -> None:
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
        checks: the checks on verified claims, in order. The times come after them: what the
            caller may be told apart (expiry) stands behind what it may not (audience).
    """

    types: frozenset[str | None]
    scope_claims: tuple[str, ...]
    checks: tuple[Check, ...]


_COMMON: Final[tuple[Check, ...]] = (check_audience, check_kind, check_names)

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


def validity(claims: Claims, expected: Expected, now: float) -> tuple[float, float]:
    """Return from when until when a token is good, if it is good now; leeway included.

    RFC 7519 §4.1.4 to §4.1.6: `exp`, which must be there, and `nbf` and `iat`, neither of which may
    lie in the future.

    Arguments:
        now: seconds since the epoch.

    Raises:
        ClaimMissing: there is no `exp`.
        ClaimMalformed: one of them is no time.
        TokenExpired, TokenNotYetValid: it is good no longer, or not yet.
    """
    if "exp" not in claims:
        raise ClaimMissing("exp is missing")
    ends_at = numeric_date("exp", claims["exp"]) + expected.leeway
    # Asked this way round, so that a clock that answers nonsense (NaN) lets nothing pass.
    if not now < ends_at:
        raise TokenExpired(f"expired {now - ends_at + expected.leeway:.0f} s ago")
    begins_at = -math.inf
    for name in ("nbf", "iat"):
        if name in claims:
            date = numeric_date(name, claims[name])
            if not date - expected.leeway <= now:
                raise TokenNotYetValid(f"{name} lies {date - now:.0f} s ahead")
            begins_at = max(begins_at, date - expected.leeway)
    return begins_at, ends_at


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
