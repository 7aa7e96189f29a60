"""What tells an access token from the other JWTs that its issuer signs (RFC 8725 §3.11, §3.12).

Where the identifier of a client is also that of the API, audience and issuer do not tell them
apart, and many issuers write `typ: JWT` into all of them. So the claims decide: each kind has some
that an access token does not have.
"""

from collections.abc import Mapping
from typing import Final

from asgi_bearer.encoding import is_object
from asgi_bearer.errors import (
    IDTokenPresented,
    InvalidTokenError,
    OtherJWTPresented,
    TokenBoundToKey,
    shown,
)

Claims = Mapping[str, object]

_HASHES: Final = frozenset({"at_hash", "c_hash", "s_hash"})
"""They tie an ID token to what was issued beside it (OpenID Connect Core §3.3.2.11; FAPI 1.0)."""

_OF_OTHER_JWTS: Final[Mapping[str, str]] = {
    "events": "a security event or a logout token (RFC 8417 §2.2)",
    "code": "an authorization response (JARM §2.1)",
    "response": "an authorization response",
    "error": "an authorization response (JARM §2.1)",
    "access_token": "an authorization response (JARM §2.1)",
    "id_token": "an authorization response (JARM §2.1)",
    "refresh_token": "a token response",
    "token_introspection": "an introspection response (RFC 9701 §5)",
    "software_statement": "a registration (RFC 7591 §3.2.1)",
}
"""Claims that an access token does not have, and what has them."""

_ACCESS_TOKEN_TYPES: Final = frozenset(
    {"bearer", "dpop", "at+jwt", "application/at+jwt", "jwt", "access", "access_token"}
)
"""What access tokens have in a claim `typ`; Keycloak writes Bearer, and ID, Refresh, Offline or
Logout into its other tokens. A list of what is taken: the next kind stays out."""

_OTHER_TOKEN_TYPES: Final = frozenset(
    {
        *("id", "idt", "id_token", "idtoken"),
        *("refresh", "rt", "refresh_token", "refreshtoken", "offline"),
        *("logout", "logout_token"),
    }
)
"""What some issuers have in `token_type` or `tty` of tokens that are none for APIs."""

_TYPE_CLAIMS: Final = frozenset({"token_type", "tty"})

_TELLING: Final = frozenset(
    {"nonce", "cnf", "typ", "token_use", *_HASHES, *_OF_OTHER_JWTS, *_TYPE_CLAIMS}
)
"""A token without any of these is what it says."""

_GRANTS: Final = (
    *(("scope",), ("scp",), ("permissions",), ("roles",)),
    *(("realm_access", "roles"), ("resource_access",)),
)
"""Where issuers name scopes, roles and permissions."""

_ABOUT_A_PERSON: Final = frozenset(
    {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "email", "email_verified", "gender", "birthdate"),
        *("zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at"),
    }
)
"""What userinfo answers (OpenID Connect Core §5.1)."""

_OF_A_TOKEN: Final = frozenset({"iat", "jti", "client_id", "azp", "cid", "appid"})
"""A signed answer of userinfo has none of these, and an access token nearly always one."""


def other_kind(
    claims: Claims, scope_claims: tuple[str | tuple[str, ...], ...]
) -> InvalidTokenError | None:
    """Return the refusal of claims that show another JWT than a bearer access token, or None.

    Arguments:
        scope_claims: where this issuer names scopes, beside the usual places.
    """
    if _TELLING.isdisjoint(claims):
        return None if not _OF_A_TOKEN.isdisjoint(claims) else _userinfo(claims)
    if "cnf" in claims:
        # Plain Bearer requests carry no proof of possession (RFC 7800 §3.1). Any `cnf` refuses,
        # also one with unknown members: ignoring it would make a bound token usable by its thief.
        return TokenBoundToKey("the claims hold cnf, and no proof is taken with Bearer")
    if found := _HASHES.intersection(claims):
        return IDTokenPresented(f"an ID token: the claims hold {', '.join(sorted(found))}")
    for name, kind in _OF_OTHER_JWTS.items():
        if name in claims:
            return OtherJWTPresented(f"the claims hold {name}: {kind}")
    return _by_its_type(claims) or _by_its_nonce(claims, scope_claims)


def _by_its_type(claims: Claims) -> InvalidTokenError | None:
    # Cognito's tokens are `access` or `id`.
    if claims.get("token_use", "access") != "access":
        return OtherJWTPresented(f"token_use is {shown(claims['token_use'])}, expected 'access'")
    typ = claims.get("typ", "bearer")
    if not isinstance(typ, str) or typ.lower() not in _ACCESS_TOKEN_TYPES:
        return OtherJWTPresented(f"the claim typ is {shown(typ)}, not one of an access token")
    for name in sorted(_TYPE_CLAIMS.intersection(claims)):
        value = claims[name]
        if not isinstance(value, str) or value.lower() in _OTHER_TOKEN_TYPES:
            return OtherJWTPresented(f"{name} is {shown(value)}, not one of an access token")
    return None


def _by_its_nonce(
    claims: Claims, scope_claims: tuple[str | tuple[str, ...], ...]
) -> InvalidTokenError | None:
    # Keycloak, Azure AD B2C and authentik write the nonce into access tokens as well.
    paths = (*_GRANTS, *((one,) if isinstance(one, str) else one for one in scope_claims))
    if "nonce" not in claims or any(_names_something(claims, path) for path in paths):
        return None
    return IDTokenPresented("an ID token: a nonce, and no scope, role or permission")


def _names_something(claims: Claims, path: tuple[str, ...]) -> bool:
    value: object = claims
    for name in path:
        value = value.get(name) if is_object(value) else None
    return bool(value)


def _userinfo(claims: Claims) -> InvalidTokenError | None:
    if _ABOUT_A_PERSON.isdisjoint(claims) or any(_names_something(claims, p) for p in _GRANTS):
        return None
    return OtherJWTPresented("an answer of userinfo: it is about a person, and grants nothing")
