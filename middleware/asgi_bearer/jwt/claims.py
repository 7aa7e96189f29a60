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
from itertools import chain
from types import MappingProxyType
from typing import Final

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
from asgi_bearer.jwt.cross_jwt_confusion import Claims, ScopeClaim, other_kind
from asgi_bearer.principal import CLIENT_CLAIMS
from asgi_bearer.scopes import scope_names, scope_names_in_roles

LAST_NUMERIC_DATE: Final = 253_402_300_799
"""The end of the year 9999; beyond it stand milliseconds taken for seconds, and infinity."""

_DEFINED_SCOPE_CLAIMS: Final = frozenset({"scope", "scp"})
"""Claims whose names are scope names and nothing else."""

_STRINGS: Final = frozenset({str})
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the claims are held against.

    Arguments:
        issuer: the issuer identifier.
        audiences: identifiers of this API, any of which the token may name.
        leeway: seconds by which the issuer's clock may differ.
        audience_claim: the claim that names them; `aud`, unless the issuer writes none.
        scope_claims: the claims that hold scopes, instead of those of the profile.
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
        raise IssuerMismatch(f"iss is {_whole(issuer)}, expected {_whole(expected.issuer)}")


def check_audience(claims: Claims, expected: Expected) -> None:
    """Check that `aud`, a string or an array of strings, names this API (RFC 7519 §4.1.3)."""
    claim = expected.audience_claim
    audience = claims.get(claim)
    names = [audience] if isinstance(audience, str) else audience
    if not is_array(names) or not _STRINGS.issuperset(map(type, names)):
        _require(claims, claim)
        raise ClaimMalformed(
            f"{claim} is {shown(audience)}, neither a string nor an array of strings"
        )
    if expected.audiences.isdisjoint(names):
        wanted = " or ".join(_whole(name) for name in sorted(expected.audiences))
        raise AudienceMismatch(f"{claim} is {_whole(audience)}, expected {wanted}")


def _whole(identifier: object) -> str:
    return shown(identifier, characters=IDENTIFIER_CHARACTERS)


def check_kind(claims: Claims, expected: Expected) -> None:
    """Check that this is a bearer access token and no other JWT of its issuer (RFC 8725 §3.12)."""
    refusal = other_kind(claims, expected.scope_claims or ())
    if refusal is not None:
        raise refusal


def check_names(claims: Claims, expected: Expected) -> None:
    """Check that the names of subject, client and token can be told apart and logged.

    RFC 7519 §4.1.2, §4.1.7; RFC 8693 §4.3; OpenID Connect Core §2 (`azp`). A name with control
    characters was made to break a log or a database, not to identify.
    """
    for name in ("sub", *CLIENT_CLAIMS):
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
        scope_arrays: whether they may be arrays.
        checks: the checks on verified claims, in order. The times come after them: what the
            caller may be told apart (expiry) stands behind what it may not (audience).
    """

    types: frozenset[str | None]
    scope_claims: tuple[str, ...]
    scope_arrays: bool
    checks: tuple[Check, ...]


_COMMON: Final[tuple[Check, ...]] = (check_audience, check_kind, check_names)

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        # As Auth0, Entra, Okta and Keycloak send them. A list of what is taken, not of what is
        # refused: logout+jwt, dpop+jwt, secevent+jwt and the ones not invented yet stay out.
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
    # A clock that answers nonsense lets nothing pass.
    if not (math.isfinite(now) and now < ends_at):
        raise TokenExpired(f"expired {now - ends_at + expected.leeway:.0f} s ago")
    begins_at = 0.0
    for name in ("nbf", "iat"):
        if name in claims:
            date = numeric_date(name, claims[name])
            if not date - expected.leeway <= now:
                raise TokenNotYetValid(f"{name} lies {date - now:.0f} s ahead")
            begins_at = max(begins_at, date - expected.leeway)
    return begins_at, ends_at


def granted_scopes(claims: Claims, profile: Profile, expected: Expected) -> frozenset[str]:
    """Return the scopes in `claims`.

    Groups, roles and permissions are none of them, unless `expected.scope_claims` names where
    they are; then the scopes of all the claims that it names are granted.

    Raises:
        ClaimMalformed: a claim that is there for scopes does not hold names, whether it is the
            one that counts or not (RFC 6749 §3.3).
    """
    if expected.scope_claims is not None:
        found = (_names_at(claims, claim, profile) for claim in expected.scope_claims)
        return frozenset(chain.from_iterable(found))
    granted: frozenset[str] | None = None
    for name in profile.scope_claims:
        if name in claims:
            names = scope_names(name, claims[name], arrays=profile.scope_arrays)
            granted = names if granted is None else granted
    return granted or frozenset()


def _names_at(claims: Claims, claim: ScopeClaim, profile: Profile) -> frozenset[str]:
    path = (claim,) if isinstance(claim, str) else claim
    value: object = claims
    for depth, name in enumerate(path):
        if value is None:
            return frozenset()
        if not is_object(value):
            raise ClaimMalformed(f"{'.'.join(path[:depth])} is {shown(value)}, not an object")
        if name not in value:
            return frozenset()
        value = value[name]
    if path[0] in _DEFINED_SCOPE_CLAIMS and len(path) == 1:
        return scope_names(path[0], value, arrays=profile.scope_arrays)
    return scope_names_in_roles(".".join(path), value)


def _require(claims: Claims, name: str) -> None:
    if name not in claims:
        raise ClaimMissing(f"{name} is missing")
