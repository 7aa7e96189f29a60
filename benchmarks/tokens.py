"""Access tokens of realistic size, signed by an issuer in memory or forged by an attacker."""

import json
import os
import time
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from benchmarks.child_process import Json

AUDIENCE: Final = "https://api.example/contacts"

ISSUER: Final = "https://tenant.example/"
JWKS_URI: Final = "https://tenant.example/.well-known/jwks.json"

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "256": hashes.SHA256(),
    "384": hashes.SHA384(),
    "512": hashes.SHA512(),
}

_CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}

_JWKS: Final[Mapping[str, Any]] = {"RS": RSAAlgorithm, "PS": RSAAlgorithm, "ES": ECAlgorithm}

DAY: Final = 86_400

_GROUP_BYTES: Final = 39
"""A group id of Entra in JSON, with its quotes and comma."""


def claims(number: int = 0, **more: object) -> Json:
    """Return the claims of a valid access token of Auth0; `number` identifies the user."""
    now = int(time.time())
    return {
        "iss": ISSUER,
        "sub": f"auth0|65f0c0ffee5eed00{number:08}",
        "aud": [AUDIENCE, f"{ISSUER}userinfo"],
        "iat": now,
        "exp": now + DAY,
        "azp": "pLq8Vn2kTz5xWc7yRb4mHd9sJf3gAe6u",
        "scope": "openid profile email read:contacts write:contacts",
        "permissions": [
            "read:contacts",
            "write:contacts",
            "delete:contacts",
            "share:contacts",
            "read:reports",
        ],
        **more,
    }


def long_claims(size: int, number: int = 0) -> Json:
    """Return claims of `size` bytes of JSON, filled with groups of the user."""
    room = size - len(_json(claims(number, groups=[])))
    groups = [f"{n:08x}-65f0-40ff-8eed-c0ffee5eed00" for n in range(room // _GROUP_BYTES)]
    return claims(number, groups=groups) if groups else claims(number)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key of the issuer.

    Arguments:
        alg: as in the JOSE header.
        extra: what `cryptography` needs besides data and signature.
    """

    alg: str
    kid: str
    private_key: Any = field(repr=False)
    extra: tuple[Any, ...] = field(repr=False)

    @classmethod
    def new(cls, alg: str, kid: str = "Zm9yLW1lYXN1cmVtZW50cw") -> "Signer":
        """Return a signer with a new key: RSA with 2048 bits, or on the curve of `alg`."""
        if alg == "Ed25519":
            return cls(alg, kid, ed25519.Ed25519PrivateKey.generate(), ())
        digest = _HASHES[alg[2:]]
        if alg in _CURVES:
            return cls(alg, kid, ec.generate_private_key(_CURVES[alg]), (ec.ECDSA(digest),))
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        padded = padding.PKCS1v15() if alg.startswith("RS") else pss
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        return cls(alg, kid, key, (padded, digest))

    def jwk(self) -> Json:
        """Return the public key as a JWK."""
        algorithm = _JWKS.get(self.alg[:2], OKPAlgorithm)
        jwk: Json = algorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        jwk.pop("key_ops", None)
        return {**jwk, "kid": self.kid, "alg": self.alg, "use": "sig"}

    def token(self, payload: Json, **header: object) -> str:
        """Return a signed token, with further header members."""
        head = {"alg": self.alg, "typ": "at+jwt", "kid": self.kid, **header}
        signing_input = b".".join((segment(_json(head)), segment(_json(payload))))
        signature: bytes = self.private_key.sign(signing_input, *self.extra)
        if self.alg in _CURVES:
            signature = _concatenated(signature, self.private_key.key_size)
        return b".".join((signing_input, segment(signature))).decode()

    def tokens(self, number: int) -> list[str]:
        """Return valid tokens, each of another user."""
        return [self.token(claims(user)) for user in range(number)]


def forged(payload: Json, kid: str) -> str:
    """Return a token with these claims and a signature of random bytes."""
    head = {"alg": "RS256", "typ": "at+jwt", "kid": kid}
    parts = (_json(head), _json(payload), os.urandom(256))
    return b".".join(map(segment, parts)).decode()


def jwk_set(*signers: Signer) -> Json:
    """Return the key set of an issuer with these keys."""
    return {"keys": [signer.jwk() for signer in signers]}


def segment(content: bytes) -> bytes:
    """Return base64url without padding."""
    return urlsafe_b64encode(content).rstrip(b"=")


def _json(value: Json) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _concatenated(signature: bytes, bits: int) -> bytes:
    """Return a DER signature in the form of JOSE (RFC 7518 §3.4)."""
    size = (bits + 7) // 8
    return b"".join(n.to_bytes(size) for n in utils.decode_dss_signature(signature))
