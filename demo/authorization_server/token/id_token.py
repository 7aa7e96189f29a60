"""ID tokens: signed statements to a client about the sign-in (OpenID Connect Core §2)."""

import base64
import hashlib
from collections.abc import Mapping

import jwt

from demo.authorization_server.keys.signing_keys import ALGORITHM, SigningKey
from demo.authorization_server.state.grants import Grant
from demo.authorization_server.token.access_token import subject

LIFETIME = 36_000
"""Seconds; ten hours, which is Auth0's default."""


def signed_id_token(
    key: SigningKey,
    *,
    issuer: str,
    grant: Grant,
    issued_at: int,
    user: Mapping[str, object],
    code: str | None,
    access_token: str | None,
) -> str:
    """Return an ID token for the client of the grant.

    Arguments:
        issued_at: seconds since the epoch.
        user: the claims about the user.
        code: the code sent with it, for `c_hash` (§3.3.2.11).
        access_token: the access token sent with it, for `at_hash` (§3.1.3.6).
    """
    claims: dict[str, object] = {
        # First, so that they cannot replace the claims below.
        **user,
        "iss": issuer,
        "sub": subject(grant),
        "aud": grant.client_id,
        "azp": grant.client_id,
        "iat": issued_at,
        "exp": issued_at + LIFETIME,
    }
    if grant.auth_time is not None:
        claims["auth_time"] = grant.auth_time
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if code is not None:
        claims["c_hash"] = left_half_hash(code)
    if access_token is not None:
        claims["at_hash"] = left_half_hash(access_token)
    headers = {"typ": "JWT", "kid": key.kid}
    return jwt.encode(claims, key.private_key, algorithm=ALGORITHM, headers=headers)


def left_half_hash(value: str) -> str:
    """Return the left half of the hash of a code or token, in base64url (§3.3.2.11).

    The signature algorithm determines the hash; for RS256 it is SHA-256.
    """
    digest = hashlib.sha256(value.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode("ascii")
