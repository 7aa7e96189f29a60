"""What tells an access token from the other JWTs that its issuer signs (RFC 8725 §3.11, §3.12).

Where the identifier of a client is also that of the API, audience and issuer do not tell them
apart, and many issuers write `typ: JWT` into all of them. So the claims decide: each kind has some
that an access token does not have.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from asgi_bearer.errors import (
    IDTokenPresented,
    InvalidTokenError,
    OtherJWTPresented,
    TokenBoundToKey,
    shown,
)
from asgi_bearer.jose.encoding import is_array, is_object

Claims = Mapping[str, object]

ScopeClaim = str | tuple[str, ...]
"""The name of a claim, or a path of names through objects."""

_CIBA: Final = "urn:openid:params:jwt:claim:"

_OF_ID_TOKENS: Final = frozenset(
    {"at_hash", "c_hash", "s_hash", f"{_CIBA}rt_hash", f"{_CIBA}auth_req_id", "sub_jwk"}
)
"""They tie an ID token to what was issued beside it (OpenID Connect Core §3.3.2.11; FAPI 1.0; CIBA
§10.3.1), or hold the key of a self-issued one."""

_OF_OTHER_JWTS: Final[Mapping[str, str]] = {
    "events": "a security event or a logout token (RFC 8417 §2.2)",
    "toe": "a security event (RFC 8417 §2.2)",
    "logout_token": "a logout request (OpenID Connect Back-Channel Logout §2.5)",
    "code": "an authorization response (JARM §2.1)",
    "response": "an authorization response",
    "error": "an authorization response (JARM §2.1)",
    "access_token": "an authorization response (JARM §2.1)",
    "id_token": "an authorization response (JARM §2.1)",
    "refresh_token": "a token response",
    "response_type": "an authorization request (RFC 9101 §4)",
    "redirect_uri": "an authorization request or an authorization code",
    "code_challenge": "an authorization request or an authorization code",
    "granted_scopes": "a refresh token of Cloud Foundry UAA",
    "token_introspection": "an introspection response (RFC 9701 §5)",
    "software_statement": "a registration (RFC 7591 §3.2.1)",
    "redirect_uris": "a registration (RFC 7591 §2)",
    "jwks": "a registration or an entity statement (RFC 7591 §2)",
}
"""Claims that an access token does not have, and what has them."""

_ACCESS_TOKEN_TYPES: Final = frozenset(
    {"bearer", "dpop", "at+jwt", "application/at+jwt", "jwt", "access", "accesstoken", "at"}
)
"""What access tokens have in a claim `typ`; Keycloak writes Bearer, and ID, Refresh, Offline or
Logout into its other tokens. A list of what is taken: the next kind stays out."""

_OTHER_TOKEN_TYPES: Final = frozenset(
    {"id", "idt", "idtoken", "refresh", "rt", "refreshtoken", "offline", "logout", "logouttoken"}
)
"""What issuers have in other claims, of tokens that are none for APIs."""

_TYPE_CLAIMS: Final = frozenset({"token_type", "tokenType", "tokenName", "tty"})
"""Claims for the kind of a token and nothing else: Simple JWT, Casdoor, ForgeRock, FusionAuth."""

_PERHAPS_TYPE_CLAIMS: Final = frozenset({"type", "purpose", "drn"})
"""Claims in which Flask-JWT-Extended, Curity and Descope have it, and others what they like."""

_TELLING: Final = frozenset(
    {"nonce", "cnf", "typ", "token_use", *_OF_ID_TOKENS, *_OF_OTHER_JWTS}
    | _TYPE_CLAIMS
    | _PERHAPS_TYPE_CLAIMS
)
"""A token without any of these is what it says."""

_GRANTS: Final = (
    *(("scope",), ("scp",), ("permissions",), ("roles",), ("authorities",), ("entitlements",)),
    *(("realm_access", "roles"), ("resource_access",)),
)
"""Where issuers name scopes, roles and permissions. Groups are none: ID tokens have them too."""

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


def other_kind(claims: Claims, scope_claims: Sequence[ScopeClaim]) -> InvalidTokenError | None:
    """Return the refusal of claims that show another JWT than a bearer access token, or None.

    Arguments:
        scope_claims: where this issuer names scopes, beside the usual places.
    """
    if _TELLING.isdisjoint(claims):
        return _by_what_it_lacks(claims, scope_claims)
    if "cnf" in claims:
        # Plain Bearer requests carry no proof of possession (RFC 7800 §3.1). Any `cnf` refuses,
        # also one with unknown members: ignoring it would make a bound token usable by its thief.
        return TokenBoundToKey("the claims hold cnf, and no proof is taken with Bearer")
    if found := _OF_ID_TOKENS.intersection(claims):
        return IDTokenPresented(f"an ID token: the claims hold {', '.join(sorted(found))}")
    for name, kind in _OF_OTHER_JWTS.items():
        if name in claims:
            return OtherJWTPresented(f"the claims hold {name}: {kind}")
    return (
        _by_its_type(claims)
        or _by_its_nonce(claims, scope_claims)
        or _by_what_it_lacks(claims, scope_claims)
    )


def _by_its_type(claims: Claims) -> InvalidTokenError | None:
    # Cognito's tokens are `access` or `id`.
    if claims.get("token_use", "access") != "access":
        return OtherJWTPresented(f"token_use is {shown(claims['token_use'])}, expected 'access'")
    typ = claims.get("typ", "bearer")
    if not isinstance(typ, str) or _kind(typ) not in _ACCESS_TOKEN_TYPES:
        return OtherJWTPresented(f"the claim typ is {shown(typ)}, not one of an access token")
    for name in sorted((_TYPE_CLAIMS | _PERHAPS_TYPE_CLAIMS).intersection(claims)):
        value = claims[name]
        is_another = (
            _kind(value) in _OTHER_TOKEN_TYPES or (name, value) == ("drn", "DSR")
            if isinstance(value, str)
            else name in _TYPE_CLAIMS
        )
        if is_another:
            return OtherJWTPresented(f"{name} is {shown(value)}, not one of an access token")
    return None


def _kind(text: str) -> str:
    """Return the name of a kind of token in one spelling: of `ID-Token`, `id_token` and
    `urn:ietf:params:oauth:token-type:id_token` (RFC 8693 §3) the same."""
    return text.rpartition(":")[2].lower().replace("_", "").replace("-", "")


def _by_its_nonce(claims: Claims, scope_claims: Sequence[ScopeClaim]) -> InvalidTokenError | None:
    # Keycloak, Azure AD B2C and authentik write the nonce into access tokens as well.
    if "nonce" not in claims or _grants_something(claims, scope_claims):
        return None
    return IDTokenPresented("an ID token: a nonce, and no scope, role or permission")


def _by_what_it_lacks(
    claims: Claims, scope_claims: Sequence[ScopeClaim]
) -> InvalidTokenError | None:
    if not _OF_A_TOKEN.isdisjoint(claims) or _ABOUT_A_PERSON.isdisjoint(claims):
        return None
    if _grants_something(claims, scope_claims):
        return None
    return OtherJWTPresented("an answer of userinfo: it is about a person, and grants nothing")


def _grants_something(claims: Claims, scope_claims: Sequence[ScopeClaim]) -> bool:
    named = ((one,) if isinstance(one, str) else one for one in scope_claims)
    return any(_names_something(_at(claims, path)) for path in (*_GRANTS, *named))


def _at(claims: Claims, path: tuple[str, ...]) -> object:
    value: object = claims
    for name in path:
        value = value.get(name) if is_object(value) else None
    return value


def _names_something(value: object) -> bool:
    """Return whether there is a name anywhere in `value`; the JSON has a bounded depth."""
    if is_object(value):
        return any(map(_names_something, value.values()))
    if is_array(value):
        return any(map(_names_something, value))
    if isinstance(value, str):
        return value.strip() != ""
    return isinstance(value, int | float) and not isinstance(value, bool)
