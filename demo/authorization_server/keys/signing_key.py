"""The keys that the authorization server signs with, one after the other, and their JWK forms."""

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
"""RFC 7518 §3.3; the library does not use a smaller RSA key either."""

MAX_PUBLISHED = 5
"""Keys in the key set: who rotates in a loop must not make it grow until nobody reads it."""


class TooManyKeys(Exception):
    """As many keys are published as may be; an old one has to end first."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An RSA key with its RFC 7638 thumbprint as key id; its `repr` shows only the id."""

    private_key: RSAPrivateKey = field(repr=False)
    kid: str

    @classmethod
    def generated(cls) -> Self:
        """Make a new key; this takes a while."""
        return cls._named(generate_private_key(public_exponent=65537, key_size=MINIMUM_BITS))

    @classmethod
    def from_private_jwk(cls, jwk: Mapping[str, object]) -> Self:
        """Read a key that `private_jwk` wrote.

        Raises ValueError, without any of the key's content, for anything but a private RSA key of
        2048 bits or more.
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
        """Return the whole key, for the key file and nothing else."""
        return dict(RSAAlgorithm.to_jwk(self.private_key, as_dict=True))


@dataclass(frozen=True, slots=True)
class RetiredKey:
    """The public part of a key that signs nothing any more; its private part is gone.

    Arguments:
        until: seconds since the epoch; by then all that it signed has ended.
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
    """The key that signs, and those before it that tokens may still be verified with.

    Arguments:
        save: called in a thread with what `rotate` is about to make current and retired; if it
            raises, nothing changes.
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
        """Return the keys that tokens are verified with, the current one first."""
        return (self._current, *(key for key in self._retired if key.until > now))

    async def rotate(self, *, now: float, keep_seconds: int) -> SigningKey:
        """Make a new key the current one, and return it.

        Arguments:
            now: seconds since the epoch.
            keep_seconds: how long the old key stays published; no token lives longer.

        Raises:
            TooManyKeys: `MAX_PUBLISHED` keys are published already.
        """
        async with self._rotating:
            kept = tuple(key for key in self._retired if key.until > now)
            if len(kept) + 1 >= MAX_PUBLISHED:
                raise TooManyKeys(f"{MAX_PUBLISHED} keys are published")
            old = RetiredKey(
                self._current.private_key.public_key(),
                self._current.kid,
                ceil(now + keep_seconds),
            )
            new, retired = await asyncio.to_thread(self._made, (old, *kept))
            self._current, self._retired = new, retired
            return new

    def _made(self, retired: tuple[RetiredKey, ...]) -> tuple[SigningKey, tuple[RetiredKey, ...]]:
        new = self._generated()
        if self._save is not None:
            self._save(new, retired)
        return new, retired


def thumbprint(public_jwk: Mapping[str, object]) -> str:
    """Return the thumbprint of an RSA key: SHA-256 over its required members (RFC 7638 §3)."""
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
        # The cause is left out: it may quote the key.
        raise ValueError("a key is not a usable RSA key in JWK form") from None
    if key.key_size < MINIMUM_BITS:
        raise ValueError(f"a key is smaller than {MINIMUM_BITS} bits")
    return key
