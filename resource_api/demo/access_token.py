"""The access tokens of the demo's issuer: what Auth0 puts into one, in the form of RFC 9068."""

import secrets

import jwt

from resource_api.demo.keys import ALGORITHM, SigningKey


def access_token(
    key: SigningKey,
    *,
    issuer: str,
    audience: str,
    client_id: str,
    subject: str,
    scopes: tuple[str, ...],
    issued_at: int,
    lifetime: int,
    grant: str,
) -> str:
    """Return a signed token with the seven claims that RFC 9068 §2.2 requires.

    `azp` and `gty` (the `grant`) are Auth0's. Times are seconds.
    """
    claims: dict[str, object] = {
        "iss": issuer,
        "sub": subject,
        "aud": audience,
        "client_id": client_id,
        "azp": client_id,
        "iat": issued_at,
        "exp": issued_at + lifetime,
        "jti": secrets.token_urlsafe(16),
        "scope": " ".join(scopes),
        "gty": grant,
    }
    return jwt.encode(
        claims,
        key.private_key,
        algorithm=ALGORITHM,
        headers={"typ": "at+jwt", "kid": key.kid},
    )
