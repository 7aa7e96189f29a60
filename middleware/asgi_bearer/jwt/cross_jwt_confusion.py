"""Refuses ID tokens and other JWTs of the issuer in place of an access token.

RFC 8725 §2.8 calls it cross-JWT confusion; §3.11 and §3.12 say to prevent it. If a client and the
API have the same identifier, issuer and audience are the same in both kinds of token, and many
issuers write `typ: JWT` into all of them. So the claims decide, such as `nonce`, `at_hash` and
`events`: an access token does not have them.
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
from asgi_bearer.jose.encoding import is_array, is_number, is_object

Claims = Mapping[str, object]

ScopeClaim = str | tuple[str, ...]
"""The name of a claim, or a path through objects: a tuple of names."""

_CIBA: Final = "urn:openid:params:jwt:claim:"

_ID_TOKEN_CLAIMS: Final = frozenset(
    {"at_hash", "c_hash", "s_hash", f"{_CIBA}rt_hash", f"{_CIBA}auth_req_id", "sub_jwk"}
)
"""Hashes of what was issued with an ID token (OpenID Connect Core §3.3.2.11, FAPI 1.0, CIBA
§10.3.1), and the key of a self-issued ID token."""

_OTHER_JWT_CLAIMS: Final[Mapping[str, str]] = {
    "events": "a security event or a logout token (RFC 8417 section 2.2)",
    "toe": "a security event (RFC 8417 section 2.2)",
    "logout_token": "a logout request (OpenID Connect Back-Channel Logout section 2.5)",
    "code": "an authorization response (JARM section 2.1)",
    "response": "an authorization response",
    "error": "an authorization response (JARM section 2.1)",
    "access_token": "an authorization response (JARM section 2.1)",
    "id_token": "an authorization response (JARM section 2.1)",
    "refresh_token": "a token response",
    "response_type": "an authorization request (RFC 9101 section 4)",
    "redirect_uri": "an authorization request or an authorization code",
    "code_challenge": "an authorization request or an authorization code",
    "granted_scopes": "a refresh token of Cloud Foundry UAA",
    "token_introspection": "an introspection response (RFC 9701 section 5)",
    "software_statement": "a registration (RFC 7591 section 3.2.1)",
    "redirect_uris": "a registration (RFC 7591 section 2)",
    "jwks": "a registration or an entity statement (RFC 7591 section 2)",
}
"""Claims that an access token does not have, and the JWT that has them."""

_ACCESS_TOKEN_TYPES: Final = frozenset(
    {"bearer", "dpop", "at+jwt", "application/at+jwt", "jwt", "access", "accesstoken", "at"}
)
"""The claim `typ` of access tokens. Keycloak writes Bearer there, and ID, Refresh, Offline or
Logout into its other tokens. Any value that is not listed is refused."""

_OTHER_TOKEN_TYPES: Final = frozenset(
    {"id", "idt", "idtoken", "refresh", "rt", "refreshtoken", "offline", "logout", "logouttoken"}
)
"""Values of other type claims in tokens that are not access tokens."""

_TYPE_CLAIMS: Final = frozenset({"token_type", "tokenType", "tokenName", "tty"})
"""Claims that hold only the type of a token: Simple JWT, Casdoor, ForgeRock, FusionAuth."""

_AMBIGUOUS_TYPE_CLAIMS: Final = frozenset({"type", "purpose", "drn"})
"""Claims for the type of a token (Flask-JWT-Extended, Curity, Descope) or for something else."""

_DISTINGUISHING_CLAIMS: Final = frozenset(
    {"nonce", "cnf", "typ", "token_use", *_ID_TOKEN_CLAIMS, *_OTHER_JWT_CLAIMS}
    | _TYPE_CLAIMS
    | _AMBIGUOUS_TYPE_CLAIMS
)
"""A token without any of these claims needs only the check for userinfo."""

_GRANT_PATHS: Final = (
    *(("scope",), ("scp",), ("permissions",), ("roles",), ("authorities",), ("entitlements",)),
    *(("realm_access", "roles"), ("resource_access",)),
)
"""Where issuers name scopes, roles and permissions. Not groups: ID tokens have them too."""

_USERINFO_CLAIMS: Final = frozenset(
    {
        *("name", "given_name", "family_name", "middle_name", "nickname", "preferred_username"),
        *("profile", "picture", "website", "email", "email_verified", "gender", "birthdate"),
        *("zoneinfo", "locale", "phone_number", "phone_number_verified", "address", "updated_at"),
    }
)
"""Claims of a userinfo response (OpenID Connect Core §5.1)."""

_TOKEN_CLAIMS: Final = frozenset({"iat", "jti", "client_id", "azp", "cid", "appid"})
"""A signed userinfo response has none of these. Nearly every access token has one."""


def is_plain_access_token(claims: Claims) -> bool:
    """Return True for most access tokens; `other_jwt_refusal` judges the others."""
    return "iat" in claims and _DISTINGUISHING_CLAIMS.isdisjoint(claims)


def other_jwt_refusal(
    claims: Claims, scope_claims: Sequence[ScopeClaim]
) -> InvalidTokenError | None:
    """Return the refusal of a JWT that is not a bearer access token, or None.

    Arguments:
        scope_claims: configured claims that hold scopes, beside the usual ones.
    """
    if _DISTINGUISHING_CLAIMS.isdisjoint(claims):
        return _userinfo_refusal(claims, scope_claims)
    if "cnf" in claims:
        # Plain Bearer requests carry no proof of possession (RFC 7800 §3.1). Any `cnf` refuses,
        # even with unknown members: otherwise a thief could use a bound token.
        return TokenBoundToKey("the token has a claim cnf, and a Bearer request proves no key")
    if found := _ID_TOKEN_CLAIMS.intersection(claims):
        return IDTokenPresented(f"an ID token: it has the claim {', '.join(sorted(found))}")
    for name, kind in _OTHER_JWT_CLAIMS.items():
        if name in claims:
            return OtherJWTPresented(f"the claim {name} belongs to {kind}")
    if refusal := _type_refusal(claims):
        return refusal
    # Keycloak, Azure AD B2C and authentik write the nonce into access tokens too.
    if "nonce" in claims and not _grants_something(claims, scope_claims):
        return IDTokenPresented("an ID token: it has a nonce, and no scope, role or permission")
    return _userinfo_refusal(claims, scope_claims)


def _type_refusal(claims: Claims) -> InvalidTokenError | None:
    # Cognito writes `access` or `id`.
    if claims.get("token_use", "access") != "access":
        return OtherJWTPresented(f"token_use is {shown(claims['token_use'])}, expected 'access'")
    typ = claims.get("typ", "bearer")
    if not isinstance(typ, str) or _normalised(typ) not in _ACCESS_TOKEN_TYPES:
        return OtherJWTPresented(
            f"the claim typ is {shown(typ)}, which is not the type of an access token"
        )
    for name in sorted((_TYPE_CLAIMS | _AMBIGUOUS_TYPE_CLAIMS).intersection(claims)):
        value = claims[name]
        is_other_type = (
            _normalised(value) in _OTHER_TOKEN_TYPES or (name, value) == ("drn", "DSR")
            if isinstance(value, str)
            else name in _TYPE_CLAIMS
        )
        if is_other_type:
            return OtherJWTPresented(
                f"{name} is {shown(value)}, which is not the type of an access token"
            )
    return None


def _normalised(text: str) -> str:
    """Return a token type in one spelling, the same for `ID-Token`, `id_token` and
    `urn:ietf:params:oauth:token-type:id_token` (RFC 8693 §3)."""
    return text.rpartition(":")[2].lower().replace("_", "").replace("-", "")


def _userinfo_refusal(
    claims: Claims, scope_claims: Sequence[ScopeClaim]
) -> InvalidTokenError | None:
    if not _TOKEN_CLAIMS.isdisjoint(claims) or _USERINFO_CLAIMS.isdisjoint(claims):
        return None
    if _grants_something(claims, scope_claims):
        return None
    return OtherJWTPresented(
        "a userinfo response: it has claims about a person, and no scope, role or permission"
    )


def _grants_something(claims: Claims, scope_claims: Sequence[ScopeClaim]) -> bool:
    configured = ((claim,) if isinstance(claim, str) else claim for claim in scope_claims)
    return any(_holds_a_name(_value_at(claims, path)) for path in (*_GRANT_PATHS, *configured))


def _value_at(claims: Claims, path: tuple[str, ...]) -> object:
    value: object = claims
    for name in path:
        value = value.get(name) if is_object(value) else None
    return value


def _holds_a_name(value: object) -> bool:
    """Return whether `value` holds a name at any depth, which the JSON parser limits."""
    if is_object(value):
        return any(map(_holds_a_name, value.values()))
    if is_array(value):
        return any(map(_holds_a_name, value))
    if isinstance(value, str):
        return value.strip() != ""
    return is_number(value)
