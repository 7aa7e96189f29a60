"""The signing keys of the authorization server, their rotation, and their JWK form."""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Self

from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import InvalidKeyError

ALGORITHM = "RS256"

MINIMUM_BITS = 2048
"""RFC 7518 §3.3; asgi_bearer refuses smaller RSA keys, too."""

MAX_PUBLISHED = 5
"""Keys in the key set. Rotation in a loop must not make it too large for its readers."""


class TooManyKeys(Exception):
    """The key set has `MAX_PUBLISHED` keys; an old one must expire first."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key whose key id is its thumbprint (RFC 7638); its `repr` shows only the id."""

    private_key: RSAPrivateKey = field(repr=False)
    kid: str

    @classmethod
    def generated(cls) -> Self:
        """Generate a new key; this is slow."""
        return cls._named(generate_private_key(public_exponent=65537, key_size=MINIMUM_BITS))

    @classmethod
    def from_private_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a key that `private_jwk` wrote.

        Raises ValueError if it is not a private RSA key of 2048 bits or more. The message contains
        nothing of the key.
        """
        key = _rsa_key(jwk)
        if not isinstance(key, RSAPrivateKey):
            raise ValueError("the signing key has no private part")
        return cls._named(key)

    @classmethod
    def _named(cls, key: RSAPrivateKey) -> Self:
        return cls(key, _public_jwk(key.public_key())["kid"])

    def public_jwk(self) -> dict[str, str]:
        """Return the key as the key set publishes it (RFC 7517 §4)."""
        return _public_jwk(self.private_key.public_key())

    def private_jwk(self) -> dict[str, object]:
        """Return the whole key; only the key file may contain it."""
        return dict(RSAAlgorithm.to_jwk(self.private_key, as_dict=True))


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """The public part of a key that signs no longer; the private part is deleted.

    Arguments:
        until: seconds since the epoch; all tokens that it signed have expired before.
    """

    public_key: RSAPublicKey = field(repr=False)
    kid: str
    until: int

    @classmethod
    def from_public_jwk(cls, jwk: Mapping[str, object], until: int) -> Self:
        """Read a key that `public_jwk` wrote; raises ValueError for anything else."""
        key = _rsa_key(jwk)
        if not isinstance(key, RSAPublicKey):
            raise ValueError("a retired key has a private part")
        return cls(key, _public_jwk(key)["kid"], until)

    def public_jwk(self) -> dict[str, str]:
        """Return the key as the key set publishes it (RFC 7517 §4)."""
        return _public_jwk(self.public_key)


class SigningKeys:
    """The current key, and earlier ones that still verify tokens.

    Arguments:
        save: called in a thread before a rotation takes effect, with the new current key and the
            retired keys; if it raises, nothing changes.
        generated: makes the next key; called in a thread.
    """

    def __init__(
        self,
        current: SigningKey,
        retired: tuple[RetiredKey, ...] = (),
        *,
        save: Callable[[SigningKey, tuple[RetiredKey, ...]], None] | None = None,
        generated: Callable[[], SigningKey] = SigningKey.generated,
    ) -> None:
        self._current = current
        self._retired = retired
        self._save = save
        self._generated = generated
        self._rotating = asyncio.Lock()

    @property
    def current(self) -> SigningKey:
        """The key to sign with."""
        return self._current

    def published(self, now: float) -> tuple[SigningKey | RetiredKey, ...]:
        """Return the keys that verify tokens, the current one first."""
        return (self._current, *(key for key in self._retired if key.until > now))

    async def rotate(self, *, now: float, keep_seconds: int) -> SigningKey:
        """Replace the current key, and return the new one.

        Arguments:
            now: seconds since the epoch.
            keep_seconds: how long the old key stays published; at least as long as any token lives.

        Raises:
            TooManyKeys: `MAX_PUBLISHED` keys are already published.
        """
        async with self._rotating:
            published = tuple(key for key in self._retired if key.until > now)
            if len(published) + 1 >= MAX_PUBLISHED:
                raise TooManyKeys(f"{MAX_PUBLISHED} keys are published")
            old = RetiredKey(
                self._current.private_key.public_key(), self._current.kid, ceil(now + keep_seconds)
            )
            new, retired = await asyncio.to_thread(self._generated_and_saved, (old, *published))
            self._current, self._retired = new, retired
            return new

    def _generated_and_saved(
        self, retired: tuple[RetiredKey, ...]
    ) -> tuple[SigningKey, tuple[RetiredKey, ...]]:
        new = self._generated()
        if self._save is not None:
            self._save(new, retired)
        return new, retired


def thumbprint(public_jwk: Mapping[str, object]) -> str:
    """Return the thumbprint of an RSA key (RFC 7638 §3)."""
    required = {name: public_jwk[name] for name in ("e", "kty", "n")}
    canonical = json.dumps(required, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _public_jwk(key: RSAPublicKey) -> dict[str, str]:
    jwk = RSAAlgorithm.to_jwk(key, as_dict=True)
    return {
        "kty": str(jwk["kty"]),
        "kid": thumbprint(jwk),
        "use": "sig",
        "alg": ALGORITHM,
        "n": str(jwk["n"]),
        "e": str(jwk["e"]),
    }


def _rsa_key(jwk: Mapping[str, object]) -> RSAPrivateKey | RSAPublicKey:
    try:
        key = RSAAlgorithm.from_jwk({name: str(value) for name, value in jwk.items()})
    except (InvalidKeyError, ValueError, TypeError, KeyError):
        # Without the cause, whose message may quote the key.
        raise ValueError("a key is not a usable RSA key in JWK form") from None
    if key.key_size < MINIMUM_BITS:
        raise ValueError(f"a key is smaller than {MINIMUM_BITS} bits")
    return key
