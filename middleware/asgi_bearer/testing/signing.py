"""Keys for tests, and tokens with any header and payload, valid or not."""

import functools
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

Json = dict[str, Any]

_ALGORITHMS: Final = {**get_default_algorithms(), "Ed25519": OKPAlgorithm()}
_CURVES: Final[dict[str, ec.EllipticCurve]] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}


@dataclass(frozen=True)
class SigningKey:
    """A private key, its id and the algorithm that it signs with."""

    kid: str | None
    alg: str
    private_key: Any = field(repr=False)

    @property
    def kty(self) -> str:
        """The key type."""
        return {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[self.alg[:2]]

    def jwk(self, **changes: Any) -> Json:
        """Return the public JWK; a member changed to None is left out."""
        public = self.private_key.public_key()
        encoder: Any = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[self.kty]
        jwk: Json = encoder.to_jwk(public, as_dict=True)
        jwk.pop("key_ops", None)
        jwk |= {"kid": self.kid, "alg": self.alg, "use": "sig", **changes}
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, signing_input: bytes, alg: str | None = None) -> bytes:
        """Return a signature by the key's algorithm, or by another one of the same key type."""
        signature: bytes = _ALGORITHMS[alg or self.alg].sign(signing_input, self.private_key)
        return signature


@functools.cache
def private_key(alg: str, number: int = 0, bits: int = 2048) -> Any:
    """Return a private key for `alg`, the same for the same arguments, because making RSA keys is
    slow."""
    if alg[:2] in ("RS", "PS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if alg[:2] == "ES":
        return ec.generate_private_key(_CURVES[alg])
    return ed25519.Ed25519PrivateKey.generate()


def signing_key(alg: str = "RS256", kid: str | None = "k1", number: int = 0) -> SigningKey:
    """Return a key for `alg`; each `number` stands for another key.

    The key is made once in a process. An RSA key takes about a tenth of a second.
    """
    return SigningKey(kid, alg, private_key("RS256" if alg[:2] in ("RS", "PS") else alg, number))


def b64(data: bytes | str | Mapping[str, Any]) -> str:
    """Return base64url without padding; a mapping is encoded as JSON first."""
    if isinstance(data, Mapping):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(signing_input: str, key: SigningKey, alg: str | None = None) -> str:
    """Return a token with a valid signature over any text."""
    return f"{signing_input}.{b64(key.sign(signing_input.encode(), alg))}"


def compact(
    header: bytes | str | Mapping[str, Any],
    claims: bytes | str | Mapping[str, Any],
    key: SigningKey,
    alg: str | None = None,
) -> str:
    """Return a correctly signed token with any header and payload, valid or not."""
    return signed(f"{b64(header)}.{b64(claims)}", key, alg)
