"""Reading back an ID token that this server gave: whom a client thinks it is speaking of."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

import jwt

from resource_api.demo.authorization_server.signing_key import (
    ALGORITHM,
    RetiredKey,
    SigningKey,
)


class HintUnusable(Exception):
    """It is not an ID token of this server's."""


@dataclass(frozen=True, slots=True)
class Hint:
    """For whom an ID token is, and for which client."""

    username: str
    client_id: str


def hint(token: str, *, issuer: str, keys: Iterable[SigningKey | RetiredKey]) -> Hint:
    """Return what an `id_token_hint` says; it may have expired (OpenID Connect Core §3.1.2.1,
    OpenID Connect RP-Initiated Logout §4).

    Arguments:
        keys: those that are published.

    Raises HintUnusable for anything that this server did not sign as an ID token. An access token
    is none: its audience is an API.
    """
    claims = _signed_claims(token, issuer, {key.kid: key.public_jwk() for key in keys})
    username, audience = claims.get("sub"), claims.get("aud")
    if not isinstance(username, str) or not isinstance(audience, str):
        raise HintUnusable
    if claims.get("azp") != audience:
        raise HintUnusable
    return Hint(username, audience)


def _signed_claims(
    token: str, issuer: str, keys: Mapping[str, dict[str, str]]
) -> dict[str, object]:
    try:
        key = keys.get(str(jwt.get_unverified_header(token).get("kid")))
        if key is None:
            raise HintUnusable
        claims = jwt.decode(
            token,
            jwt.PyJWK(key),
            algorithms=[ALGORITHM],
            issuer=issuer,
            options={
                "require": ["iss", "sub", "aud", "exp"],
                # It is a hint about a person, and gives no access to anything, however old.
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "verify_aud": False,
            },
        )
    except (jwt.PyJWTError, ValueError):
        raise HintUnusable from None
    return cast("dict[str, object]", claims)
