"""Caches verified tokens, so that the same token is not verified twice.

A cached result is always the same as that of a full verification: each look-up compares the whole
token, and the verifier asks whether the token is still valid at this time and with these keys.

No usable token is stored. An entry is found by the SHA-256 digest of the signature, without which
the rest of the token, which is stored and compared, is of no use to a thief. Refusals are not
cached: they are cheap, and most bad tokens come once.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Final

from cachetools import FIFOCache

from asgi_bearer.caller import Principal
from asgi_bearer.jose.jws import Header
from asgi_bearer.jwt.signature import is_candidate
from asgi_bearer.keys.jwk import Key, KeySet

MAX_BYTES: Final = 64 * 1024 * 1024
"""The total weight of all entries."""

WEIGHT_PER_BYTE: Final = 7
"""Bytes of memory for each stored byte of a token: its names and values become objects. Common
tokens need 3 to 7. Tokens full of empty objects need 28, so a cache of them needs four times
`MAX_BYTES`."""

_MAX_SIGNATURE: Final = 3 * 1024
"""Characters. The signature of an RSA key with 16,384 bits has 2,731. A digest of a longer one is
not computed, because it only keeps the processor busy."""


_MAX_SPARED: Final = 8
"""Entries that are spared before one is evicted in any case, so that an eviction is short."""


@dataclass(slots=True, eq=False)
class Epoch:
    """The time during which the key source returns the same key set.

    Entries refer to the epoch and not to the key set, because a key source may return a new object
    on each call, and old ones must not stay in memory.

    Arguments:
        key_set: another object when the epoch is over.
    """

    key_set: object


_OVER: Final = object()
_NO_EPOCH: Final = Epoch(_OVER)


@dataclass(slots=True, eq=False)
class CachedToken:
    """A verified token.

    Arguments:
        principal: the principal of its claims.
        header: its JOSE header.
        key: the key that signed it.
        valid_from: the time from which it is valid, leeway included.
        valid_until: the time at which it expires, leeway included.
        signed: the Authorization header up to the signature.
        epoch: of the newest key set in which the key was found; it changes.
        was_used: whether it was used since it was stored or last spared.
    """

    principal: Principal
    header: Header
    key: Key
    valid_from: float
    valid_until: float
    signed: bytes = field(default=b"", repr=False)
    epoch: Epoch = field(default=_NO_EPOCH, repr=False)
    was_used: bool = False


class _SecondChance(FIFOCache[bytes, CachedToken]):
    """Evicts the oldest entry, but spares it once if it was used in the meantime.

    Arguments:
        entries: the same entries in a dictionary, from which evicted ones are removed too.
    """

    def __init__(self, entries: dict[bytes, CachedToken], *, max_entries: int) -> None:
        least = MAX_BYTES // max_entries
        super().__init__(
            least * max_entries,
            getsizeof=lambda entry: max(len(entry.signed) * WEIGHT_PER_BYTE, least),
        )
        self._mirror = entries

    def popitem(self) -> tuple[bytes, CachedToken]:
        """Remove and return the entry that is evicted."""
        digest, entry = super().popitem()
        for _ in range(_MAX_SPARED):
            if not entry.was_used:
                break
            entry.was_used = False
            self[digest] = entry
            digest, entry = super().popitem()
        del self._mirror[digest]
        return digest, entry


class TokenCache:
    """A bounded cache of verified tokens; safe for threads.

    Finding an entry takes no lock and changes nothing that threads share, except that the first
    use marks the entry.

    Arguments:
        max_entries: the number of entries; fewer fit if they are large.
        rsa_default: the algorithm of RSA keys without `alg`.
    """

    def __init__(self, max_entries: int, *, rsa_default: str) -> None:
        self._rsa_default = rsa_default
        self._entries: dict[bytes, CachedToken] = {}
        self._queue = _SecondChance(self._entries, max_entries=max_entries)
        self._lock = Lock()
        self._epoch = _NO_EPOCH

    def find(self, credentials: bytes) -> CachedToken | None:
        """Return the entry of a token, or None. Whether it is still valid is another question.

        Arguments:
            credentials: the whole Authorization header.
        """
        signed, _, signature = credentials.rpartition(b".")
        if len(signature) > _MAX_SIGNATURE:
            return None
        entry = self._entries.get(sha256(signature).digest())
        if entry is None or entry.signed != signed:
            return None
        if not entry.was_used:
            entry.was_used = True
        return entry

    def holds(self, entry: CachedToken, key_set: KeySet) -> bool:
        """Return whether `key_set` still has the key that signed a token."""
        if entry.epoch.key_set is key_set:
            return True
        if not is_candidate(entry.key, entry.header, key_set, self._rsa_default):
            return False
        entry.epoch = self._epoch_of(key_set)
        return True

    def add(self, credentials: bytes, entry: CachedToken, key_set: KeySet) -> None:
        """Store a token that was verified with `key_set`."""
        if credentials.count(b" ") > 1 or b"\t" in credentials:
            # A client can vary such white space, so one token could fill the cache.
            return
        entry.signed, _, signature = credentials.rpartition(b".")
        if len(signature) > _MAX_SIGNATURE:
            return
        digest = sha256(signature).digest()
        entry.epoch = self._epoch_of(key_set)
        with self._lock:
            self._queue[digest] = self._entries[digest] = entry

    def remove(self, credentials: bytes) -> None:
        """Remove a token that is no longer valid."""
        digest = sha256(credentials.rpartition(b".")[2]).digest()
        with self._lock:
            self._queue.pop(digest, None)
            self._entries.pop(digest, None)

    def _epoch_of(self, key_set: KeySet) -> Epoch:
        with self._lock:
            if self._epoch.key_set is not key_set:
                self._epoch.key_set = _OVER
                self._epoch = Epoch(key_set)
            return self._epoch
