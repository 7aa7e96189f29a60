"""Tokens that were found good, so that one which comes again is not verified again.

An answer from here is the one that the whole verification would give at this moment. What can
change that is asked each time: the clock, and whether the key that signed would still be tried. A
token is known by a digest of which nobody can make two (SHA-256); itself it is not kept. Refusals
are not kept either: they are cheap, and most come once.
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
"""What all entries together may weigh."""

WEIGHT_PER_BYTE: Final = 6
"""Bytes of memory for a byte of token: its names and values become objects. Common tokens take 2 to
6. An issuer that fills tokens with empty objects gets to 27, and all of them to four and a half
times `MAX_BYTES`."""


class Recalling(Protocol):
    """A verifier that knows credentials again without waiting for anything.

    The guard asks it only if `recall` was written by whoever wrote `verify`, or after him.
    """

    def recall(self, credentials: bytes) -> Principal | None:
        """Return the principal that `verify` would return for these credentials, if it is known.

        Arguments:
            credentials: the whole Authorization header.

        Raises:
            NotPermittedError: they are known, and a rule says no.
        """
        ...


@dataclass(slots=True)
class Verified:
    """A good token.

    Arguments:
        principal: what it said.
        header: its JOSE header.
        key: the key that signed it.
        begins_at: the time from which it is good, leeway included.
        ends_at: the time at which it is good no longer, leeway included.
        size: its length.
        seen_with: number of the newest key set that would try the key; it changes.
    """

    principal: Principal
    header: Header
    key: Key
    begins_at: float
    ends_at: float
    size: int
    seen_with: int = 0

    def is_signed_within(self, key_set: KeySet, rsa_default: str) -> bool:
        """Return whether the key that signed is one that would be tried with `key_set`."""
        alg, kid = self.header.alg, self.header.kid
        try:
            return self.key in key_set.candidates(alg, kid, rsa_default=rsa_default)
        except KeyAmbiguous:
            return False


class VerifiedTokens:
    """The good tokens that were used last; for any number of threads.

    Arguments:
        max_entries: how many are kept; fewer if they are large.
        rsa_default: the algorithm that RSA keys without `alg` serve.
    """

    def __init__(self, max_entries: int, *, rsa_default: str) -> None:
        self._rsa_default = rsa_default
        lightest = MAX_BYTES // max_entries
        self._entries: LRUCache[bytes, Verified] = LRUCache(
            MAX_BYTES, getsizeof=lambda entry: max(entry.size * WEIGHT_PER_BYTE, lightest)
        )
        self._lock = Lock()
        # The key set that was seen last, and its number, always both at once. One for all entries:
        # a source may make a new one with each answer.
        self._current: tuple[KeySet | None, int] = (None, 0)

    def __contains__(self, known: bytes) -> bool:
        return known in self._entries

    def principal(
        self, known: bytes, keys: Callable[[], KeySet | None], clock: Callable[[], float]
    ) -> Principal | None:
        """Return what a token said, by its digest, if it is still good; otherwise forget it.

        Arguments:
            keys: returns the issuer's keys, or None if nobody can say at once which they are.
            clock: the time, in seconds since the epoch.
        """
        with self._lock:
            # Asked first: a look-up in vain raises twice, which costs as much as several others.
            if known not in self._entries:
                return None
            entry = self._entries[known]
        key_set = keys()
        if key_set is None:
            return None
        now = clock()
        # Asked this way round, so that a clock that answers nonsense (NaN) lets nothing pass.
        if entry.begins_at <= now < entry.ends_at:
            current, number = self._current
            if current is not key_set:
                number = self._number_of(key_set)
            if entry.seen_with == number:
                return entry.principal
            if entry.is_signed_within(key_set, self._rsa_default):
                entry.seen_with = number
                return entry.principal
        with self._lock:
            self._entries.pop(known, None)
        return None

    def add(self, known: bytes, entry: Verified, key_set: KeySet) -> None:
        """Keep what a token said that was verified with `key_set`."""
        current, number = self._current
        entry.seen_with = number if current is key_set else self._number_of(key_set)
        with self._lock:
            self._entries[known] = entry

    def _number_of(self, key_set: KeySet) -> int:
        with self._lock:
            number = self._current[1] + 1
            self._current = key_set, number
        return number
