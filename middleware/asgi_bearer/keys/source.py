"""The seam between verification and keys: where keys come from is asked through one method."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from asgi_bearer.keys.jwk import KeySet, key_set_from


@dataclass(frozen=True, slots=True)
class Missed:
    """Handed down by a caller whose token did not verify with the key set it saw.

    Arguments:
        key_set: the set that it saw. If that one has been replaced since, its replacement is the
            answer and nothing is fetched.
        unknown_kid: the token names a key id that is not in that set; otherwise the id is known
            and the key behind it said no.
    """

    key_set: KeySet
    unknown_kid: bool

    @classmethod
    def by_kid(cls, key_set: KeySet, kid: object) -> "Missed":
        """Return what a token with the header `kid` missed in `key_set`."""
        return cls(key_set, unknown_kid=isinstance(kid, str) and not key_set.has(kid))


class KeySource(Protocol):
    """Where an issuer's keys come from."""

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the issuer's keys.

        With `missed`, return newer keys than the caller saw; returning the very set that it saw
        says that there are none, and that its token is to be refused.

        Raises:
            KeysUnavailable: there are no keys, or with `missed`: nobody can say whether newer
                ones exist.
        """
        ...


class AtHand(Protocol):
    """A source that can often name the keys without waiting.

    It is asked for every token, new or known, but only if `at_hand` was written by whoever wrote
    `key_set`, or after him.
    """

    def at_hand(self) -> KeySet | None:
        """Return what `key_set` would return at once, or None if it would wait or raise."""
        ...


@runtime_checkable
class Warmable(Protocol):
    """What can get ready before the first request, and leaves nothing behind after the last.

    A key source, or whoever has one. Both methods are called in the event loop that serves.
    """

    def warm(self) -> None:
        """Begin to get ready, and let nobody wait for it."""
        ...

    async def aclose(self) -> None:
        """End what is under way. It may be used again afterwards."""
        ...


class StaticKeys:
    """Keys that are known at start-up and never change.

    Arguments:
        document: a JWK Set (RFC 7517 §5).

    Raises:
        ValueError: the document holds no usable key.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        self._key_set, _ = key_set_from(document)

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the keys, always the same."""
        return self._key_set

    def at_hand(self) -> KeySet | None:
        """Return the keys, always the same (`AtHand`)."""
        return self._key_set
