"""The seam between verification and keys: where keys come from is asked through one method."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from asgi_bearer.keys.jwk import KeySet, Remark, key_set_from
from asgi_bearer.shortcut import beside

MAX_NAMED: Final = 20
"""Entries of a key set that the log names at a time, and the status of a key source."""

logger = logging.getLogger("asgi_bearer.keys")


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
        document: a JWK Set (RFC 7517 §5): `{"keys": [...]}`. Entries that are not used are named in
            the log `asgi_bearer.keys`.

    Raises:
        ValueError: the document is no JWK Set, or holds no usable key.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        if fault := _no_document(document):
            raise ValueError(fault)
        self._key_set, remarks = key_set_from(document)
        log_remarks(remarks, "static keys")

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the keys, always the same."""
        return self._key_set

    @beside(key_set)
    def at_hand(self) -> KeySet | None:
        """Return the keys, always the same (`AtHand`)."""
        return self._key_set


def log_remarks(remarks: Sequence[Remark], where: object) -> None:
    """Write to the log which entries of a key set are not used, and why."""
    for remark in remarks[:MAX_NAMED]:
        level = logging.WARNING if remark.is_fault else logging.INFO
        logger.log(level, "%s: %s", where, remark)
    if len(remarks) > MAX_NAMED:
        logger.warning("%s: and %d more entries", where, len(remarks) - MAX_NAMED)


def _no_document(document: object) -> str | None:
    """Return why `document` is not even a mapping with keys; it is never quoted."""
    if isinstance(document, Mapping):
        if "kty" in document and "keys" not in document:
            return "StaticKeys takes a JWK Set; put this one key into it: {'keys': [key]}"
        return None
    if isinstance(document, str | bytes | bytearray):
        text = (
            bytes(document)
            if not isinstance(document, str)
            else document.encode("utf-8", "replace")
        )
        if b"-----BEGIN" in text:
            return (
                "StaticKeys takes a JWK Set, not PEM; make one with PyJWT: {'keys': ["
                "RSAAlgorithm.to_jwk(load_pem_public_key(pem), as_dict=True)]}"
                " (jwt.algorithms; ECAlgorithm and OKPAlgorithm for other keys)"
            )
        return "StaticKeys takes a JWK Set as a dictionary, not as text: decode it with json.loads"
    if isinstance(document, Sequence):
        return "StaticKeys takes a JWK Set; put this list of keys into it: {'keys': keys}"
    return (
        f"StaticKeys takes a JWK Set, {{'keys': [...]}}, and no {type(document).__name__};"
        " PyJWT makes a JWK of a key: RSAAlgorithm.to_jwk(key, as_dict=True) (jwt.algorithms)"
    )
