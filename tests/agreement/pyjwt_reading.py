"""How PyJWT reads a token, configured as closely to this library's verifier as possible."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import jwt

from asgi_bearer.testing import AUDIENCE, ISSUER, SigningKey
from asgi_bearer.testing.signing import Json
from tests.agreement.signed_tokens import SIGNERS

LEEWAY: Final = 30

_SERVED: Final = {"EdDSA": ["EdDSA", "Ed25519"]}


@dataclass(frozen=True, slots=True)
class Reading:
    """A token that PyJWT accepts.

    Arguments:
        token: the token.
        profile: the profile of this library's verifier; PyJWT has no profiles.
        now: the time at which this library's verifier checked the token.
        header: the JOSE header as PyJWT read it.
        claims: the claims as PyJWT read them.
    """

    token: str
    profile: str
    now: float
    header: Json
    claims: Json

    def texts(self) -> tuple[bytes, bytes]:
        """Return the bytes that the first two segments encode."""
        header, claims, _ = self.token.split(".")
        return _decoded(header), _decoded(claims)


def read_with_pyjwt(
    token: str, profile: str, *, now: float, leeway: float = LEEWAY
) -> Reading | None:
    """Return how PyJWT reads `token`, or None if PyJWT refuses it."""
    try:
        for key in _keys(jwt.get_unverified_header(token)):
            decoded = _decoded_by(key, token, leeway)
            if decoded is not None:
                return Reading(token, profile, now, decoded["header"], decoded["payload"])
    except (jwt.PyJWTError, UnicodeEncodeError):
        # PyJWT raises UnicodeEncodeError for a lone surrogate.
        pass
    return None


def _keys(header: Json) -> Iterator[SigningKey]:
    # The caller of PyJWT chooses the key: by the key id, or by trying all keys without one.
    if "kid" not in header:
        yield from SIGNERS.values()
    elif header["kid"] in SIGNERS:
        yield SIGNERS[header["kid"]]


def _decoded_by(key: SigningKey, token: str, leeway: float) -> Json | None:
    try:
        return jwt.decode_complete(
            token,
            key.private_key.public_key(),
            algorithms=_SERVED.get(key.alg, [key.alg]),
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=leeway,
            options={"require": ["exp", "iss", "aud"]},
        )
    except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
        return None


def _decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
