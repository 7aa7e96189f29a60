"""The key that the demo's issuer signs with, and its two JWK forms."""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

ALGORITHM = "RS256"
MINIMUM_BITS = 2048
"""RFC 7518 §3.3; the library does not use a smaller RSA key either."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key with its RFC 7638 thumbprint as key id; its `repr` shows only the id."""

    private_key: RSAPrivateKey = field(repr=False)
    kid: str

    @classmethod
    def generated(cls) -> Self:
        """Make a new key."""
        return cls._named(generate_private_key(public_exponent=65537, key_size=MINIMUM_BITS))

    @classmethod
    def from_private_jwk(cls, jwk: dict[str, object]) -> Self:
        """Read a key that `private_jwk` wrote.

        Raises ValueError, without any of the key's content, for anything but a private RSA key of
        2048 bits or more.
        """
        try:
            key = RSAAlgorithm.from_jwk({name: str(value) for name, value in jwk.items()})
        except (InvalidKeyError, ValueError, TypeError, KeyError):
            # The cause is left out: it may quote the key.
            raise ValueError("the signing key is not a usable RSA key in JWK form") from None
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the signing key has no private part")
        if key.key_size < MINIMUM_BITS:
            raise ValueError(f"the signing key is smaller than {MINIMUM_BITS} bits")
        return cls._named(key)

    @classmethod
    def _named(cls, key: RSAPrivateKey) -> Self:
        return cls(key, thumbprint(RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)))

    def public_jwk(self) -> dict[str, str]:
        """Return the key as the key set publishes it (RFC 7517 §4)."""
        jwk = RSAAlgorithm.to_jwk(self.private_key.public_key(), as_dict=True)
        return {
            "kty": str(jwk["kty"]),
            "kid": self.kid,
            "use": "sig",
            "alg": ALGORITHM,
            "n": str(jwk["n"]),
            "e": str(jwk["e"]),
        }

    def private_jwk(self) -> dict[str, object]:
        """Return the whole key, for the key file and nothing else."""
        return dict(RSAAlgorithm.to_jwk(self.private_key, as_dict=True))


def thumbprint(public_jwk: dict[str, object]) -> str:
    """Return the thumbprint of an RSA key: SHA-256 over its required members (RFC 7638 §3)."""
    required = {name: public_jwk[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()
