"""Caches verified tokens, so that the same token is not verified twice.

A cached result is always the same as that of a full verification: each look-up checks the clock and
whether the key that signed is still in the key set. Entries are keyed by a SHA-256 digest; the
token itself is not stored. Refusals are not cached: they are cheap, and most bad tokens come once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Final, Protocol

from cachetools import LRUCache

from asgi_bearer.errors import KeyAmbiguous
from asgi_bearer.jose.jws import Header
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.principal import Principal

MAX_BYTES: Final = 64 * 1024 * 1024
"""The total weight of all entries."""

WEIGHT_PER_BYTE: Final = 6
"""Bytes of memory for each byte of a token: its names and values become objects. Common tokens need
2 to 6. Tokens full of empty objects need 27, so a cache of them needs 4.5 times `MAX_BYTES`."""


class Recalling(Protocol):
    """A verifier that returns the cached result for credentials without waiting.

    The middleware calls `recall` only if it is defined on the same class as `verify`, or on a
    subclass.
    """

    def recall(self, credentials: bytes) -> Principal | None:
        """Return what `verify` would return for these credentials if it is cached, or None.

        Arguments:
            credentials: the whole Authorization header.

        Raises:
            NotPermittedError: a rule refuses the cached principal.
        """
        ...


@dataclass(slots=True)
class CachedToken:
    """A verified token.

    Arguments:
        principal: the principal of its claims.
        header: its JOSE header.
        key: the key that signed it.
        valid_from: the time from which it is valid, leeway included.
        valid_until: the time at which it expires, leeway included.
        size: its length in bytes.
        key_set_number: number of the newest key set in which the key was found; it changes.
    """

    principal: Principal
    header: Header
    key: Key
    valid_from: float
    valid_until: float
    size: int
    key_set_number: int = 0

    def is_signed_by(self, key_set: KeySet, rsa_default: str) -> bool:
        """Return whether verification with `key_set` would still use the key that signed."""
        alg, kid = self.header.alg, self.header.kid
        try:
            return self.key in key_set.candidates(alg, kid, rsa_default=rsa_default)
        except KeyAmbiguous:
            return False


class TokenCache:
    """An LRU cache of verified tokens; safe for threads.

    Arguments:
        max_entries: the number of entries; fewer fit if they are large.
        rsa_default: the algorithm of RSA keys without `alg`.
    """

    def __init__(self, max_entries: int, *, rsa_default: str) -> None:
        self._rsa_default = rsa_default
        min_weight = MAX_BYTES // max_entries
        self._entries: LRUCache[bytes, CachedToken] = LRUCache(
            MAX_BYTES, getsizeof=lambda entry: max(entry.size * WEIGHT_PER_BYTE, min_weight)
        )
        self._lock = Lock()
        # The last key set and its number, in one tuple so that threads read both together. Entries
        # hold only the number, because a key source may return a new object on each call.
        self._current: tuple[KeySet | None, int] = (None, 0)

    def __contains__(self, digest: bytes) -> bool:
        return digest in self._entries

    def principal(
        self, digest: bytes, keys: Callable[[], KeySet | None], clock: Callable[[], float]
    ) -> Principal | None:
        """Return the principal of a token if it is still valid; otherwise remove the token.

        Arguments:
            digest: SHA-256 of the credentials.
            keys: returns the issuer's keys, or None if that would need an `await`.
            clock: the time, in seconds since the epoch.
        """
        with self._lock:
            # A failed look-up raises twice inside cachetools, which is slow.
            if digest not in self._entries:
                return None
            entry = self._entries[digest]
        key_set = keys()
        if key_set is None:
            return None
        now = clock()
        # Written so that NaN from a broken clock fails the comparison.
        if entry.valid_from <= now < entry.valid_until:
            current, number = self._current
            if current is not key_set:
                number = self._number_of(key_set)
            if entry.key_set_number == number:
                return entry.principal
            if entry.is_signed_by(key_set, self._rsa_default):
                entry.key_set_number = number
                return entry.principal
        with self._lock:
            self._entries.pop(digest, None)
        return None

    def add(self, digest: bytes, entry: CachedToken, key_set: KeySet) -> None:
        """Store a token that was verified with `key_set`."""
        current, number = self._current
        entry.key_set_number = number if current is key_set else self._number_of(key_set)
        with self._lock:
            self._entries[digest] = entry

    def _number_of(self, key_set: KeySet) -> int:
        with self._lock:
            number = self._current[1] + 1
            self._current = key_set, number
        return number
