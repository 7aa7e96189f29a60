"""Access tokens: signed JWTs in the profile that the API is registered with."""

from collections.abc import Mapping

import jwt

from asgi_bearer import Principal
from demo.authorization_server.keys.signing_keys import ALGORITHM, SigningKey
from demo.authorization_server.registrations.values import CLIENT_SUFFIX, TokenProfile
from demo.authorization_server.state.grants import Grant


def subject(grant: Grant) -> str:
    """Return the `sub` claim for the tokens of a grant: the user, or the client itself."""
    return grant.client_id + CLIENT_SUFFIX if grant.username is None else grant.username


def is_client(principal: Principal) -> bool:
    """Return whether a verified token belongs to a client itself, not to a user."""
    return principal.subject is None or principal.subject.endswith(CLIENT_SUFFIX)


def signed_access_token(
    key: SigningKey,
    *,
    profile: TokenProfile,
    issuer: str,
    audience: tuple[str, ...],
    grant: Grant,
    gty: str,
    issued_at: int,
    expires_at: int,
    jti: str,
    custom: Mapping[str, object],
) -> str:
    """Return a token with the seven claims that RFC 9068 §2.2 requires.

    In the profile `jwt` it looks like Auth0's: the type is `JWT`, and only `azp` names the client.

    Arguments:
        audience: if there is only one, it is written as a string.
        gty: how the client got the token, in Auth0's words.
        issued_at: seconds since the epoch, like `expires_at`.
        custom: claims with a URL as their name.
    """
    claims: dict[str, object] = {
        # First, so that they cannot replace the claims below.
        **custom,
        "iss": issuer,
        "sub": subject(grant),
        "aud": audience[0] if len(audience) == 1 else list(audience),
        "azp": grant.client_id,
        "iat": issued_at,
        "exp": expires_at,
        "jti": jti,
        "scope": " ".join(grant.scopes),
        "gty": gty,
    }
    if grant.auth_time is not None:
        claims["auth_time"] = grant.auth_time
    if profile == "rfc9068":
        claims["client_id"] = grant.client_id
    headers = {"typ": "at+jwt" if profile == "rfc9068" else "JWT", "kid": key.kid}
    return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=headers)
