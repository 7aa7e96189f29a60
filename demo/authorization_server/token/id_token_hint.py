"""Reading back an ID token that this server gave: whom a client thinks it is speaking of."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import jwt

from demo.authorization_server.keys.signing_key import (
    ALGORITHM,
    RetiredKey,
    SigningKey,
)

_KID = re.compile(r"[A-Za-z0-9_-]+")
"""The characters of this server's key ids, which are thumbprints (RFC 7638)."""


class HintUnusable(Exception):
    """It is not an ID token of this server's."""


class HintOutdated(HintUnusable):
    """It claims to be an ID token of this server's, signed with a key that is not published (any
    longer). Nothing that it says may be used, and the client that kept it did nothing wrong."""


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

    Raises:
        HintOutdated: its signature cannot be verified, because its key is not published.
        HintUnusable: this server did not sign it as an ID token. An access token is none: its
            audience is an API.
    """
    try:
        header = jwt.get_unverified_header(token)
        kid = str(header.get("kid", ""))
        key = next((key.public_jwk() for key in keys if key.kid == kid), None)
        claims = _claims(token, issuer, key)
    except (jwt.PyJWTError, ValueError):
        raise HintUnusable from None
    username, audience = claims.get("sub"), claims.get("aud")
    if not isinstance(username, str) or not isinstance(audience, str):
        raise HintUnusable
    if claims.get("azp") != audience or header.get("alg") != ALGORITHM:
        raise HintUnusable
    if key is None:
        raise HintOutdated if _KID.fullmatch(kid) else HintUnusable
    return Hint(username, audience)


def _claims(token: str, issuer: str, key: dict[str, str] | None) -> dict[str, object]:
    claims = jwt.decode(
        token,
        "" if key is None else jwt.PyJWK(key),
        algorithms=[ALGORITHM],
        issuer=issuer,
        options={
            "verify_signature": key is not None,
            "verify_iss": True,
            "require": ["iss", "sub", "aud", "exp"],
            # It is a hint about a person, and gives no access to anything, however old.
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
        },
    )
    return cast("dict[str, object]", claims)
