"""`id_token_hint`: an ID token of this server that a client sends back to name the user."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import jwt

from demo.authorization_server.keys.signing_keys import ALGORITHM, RetiredKey, SigningKey

_KID = re.compile(r"[A-Za-z0-9_-]+")
"""The characters of this server's key ids, which are thumbprints (RFC 7638)."""


class HintUnusable(Exception):
    """This is not an ID token that this server issued."""


class HintOutdated(HintUnusable):
    """It looks like an ID token of this server, but its key is not published (any more).

    Nothing in it can be trusted. The client that kept it made no mistake.
    """


@dataclass(frozen=True, slots=True)
class IdTokenHint:
    """The user and the client of an ID token."""

    username: str
    client_id: str


def read_id_token_hint(
    token: str, *, issuer: str, keys: Iterable[SigningKey | RetiredKey]
) -> IdTokenHint:
    """Return the content of an `id_token_hint`, which may have expired (OpenID Connect Core
    §3.1.2.1, OpenID Connect RP-Initiated Logout §4).

    Arguments:
        keys: the published keys.

    Raises:
        HintOutdated: its signature cannot be verified, because its key is not published.
        HintUnusable: this server did not issue it as an ID token. The audience of an ID token is
            the client; that of an access token is an API.
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
    return IdTokenHint(username, audience)


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
            # A hint gives no access, so its age does not matter.
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "verify_aud": False,
        },
    )
    return cast("dict[str, object]", claims)
