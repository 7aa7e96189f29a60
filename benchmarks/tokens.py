"""Access tokens (RS256 with 2048 bits), signed by an issuer or forged by an attacker."""

import functools
import json
import os
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from benchmarks.child_process import Json

AUDIENCE = "https://api.example/contacts"

VALID_SECONDS = 400 * 86_400
"""The drills advance clocks by hours at a time, and no drill tests expired tokens."""

_PRIVATE_KEYS = 6
"""Generating one is slow, and no drill uses more keys at a time."""


def _private_key(number: int) -> rsa.RSAPrivateKey:
    return _generated(number % _PRIVATE_KEYS)


@functools.cache
def _generated(_: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key id and its private key.

    Arguments:
        number: counts the keys of one issuer; after six, private keys are used again.
    """

    kid: str
    number: int

    def jwk(self) -> Json:
        """Return the public key as a JWK."""
        public = RSAAlgorithm.to_jwk(_private_key(self.number).public_key(), as_dict=True)
        return {"kty": "RSA", "n": public["n"], "e": public["e"]} | {
            "kid": self.kid,
            "alg": "RS256",
            "use": "sig",
        }

    def token(self, issuer: str, **header: str) -> str:
        """Return a valid token, with further header members."""
        header = {"typ": "at+jwt", "kid": self.kid, **header}
        return jwt.encode(_claims(issuer), _private_key(self.number), "RS256", header)


def forged(issuer: str, kid: str) -> str:
    """Return a token with valid claims and a signature of random bytes."""
    header = {"alg": "RS256", "typ": "at+jwt", "kid": kid}
    parts = (json.dumps(header).encode(), json.dumps(_claims(issuer)).encode(), os.urandom(256))
    return ".".join(urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


def _claims(issuer: str) -> Json:
    now = int(time.time())
    return {
        "iss": issuer,
        "sub": "alice",
        "aud": AUDIENCE,
        "client_id": "web",
        "iat": now,
        "exp": now + VALID_SECONDS,
        "jti": os.urandom(8).hex(),
        "scope": "read:contacts",
    }
