"""The seam between verification and keys: where keys come from is asked through one method."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final, Protocol, TypeGuard, runtime_checkable

from asgi_bearer.jose.encoding import is_array
from asgi_bearer.keys.jwk import KeySet, KeyWarning
from asgi_bearer.shortcut import beside

MAX_NAMED: Final = 20
"""Entries of a key set that log and status name at a time."""

_TAKES: Final = "StaticKeys takes a JWK Set, {'keys': [...]}"
_OF_PEM: Final = (
    "make one with PyJWT: {'keys': [RSAAlgorithm.to_jwk(load_pem_public_key(pem), as_dict=True)"
    " | {'kid': kid}]}, with the kid that the issuer's tokens have in their header"
    " (jwt.algorithms; ECAlgorithm and OKPAlgorithm for other keys)"
)
_OF_KEY: Final = (
    "PyJWT makes a JWK of a key: RSAAlgorithm.to_jwk(key, as_dict=True) | {'kid': kid}"
    " (jwt.algorithms)"
)
_PEM: Final = "-----BEGIN "

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
        if fault := _no_key_set(document):
            raise ValueError(fault)
        self._key_set = KeySet.from_jwks(document)
        log_warnings(self._key_set.warnings, "static keys")

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the keys, always the same."""
        return self._key_set

    @beside(key_set)
    def at_hand(self) -> KeySet | None:
        """Return the keys, always the same (`AtHand`)."""
        return self._key_set


def log_warnings(warnings: Sequence[KeyWarning], where: object) -> None:
    """Write to the log which entries of a key set are not used, and why."""
    for warning in warnings[:MAX_NAMED]:
        level = logging.WARNING if warning.is_fault else logging.INFO
        logger.log(level, "%s: %s", where, warning)
    if len(warnings) > MAX_NAMED:
        logger.warning("%s: and %d more entries", where, len(warnings) - MAX_NAMED)


def left_out(warnings: Sequence[KeyWarning]) -> tuple[str, ...]:
    """Return a sentence for each entry that is not used, as many as a status shows."""
    unused = [warning for warning in warnings if not warning.is_used]
    more = len(unused) - MAX_NAMED
    return (*unused[:MAX_NAMED], *([f"and {more} more entries"] if more > 0 else ()))


def _no_key_set(document: object) -> str | None:
    """Return why `document` is not even a mapping with an array of keys; it is never quoted."""
    if _is_mapping(document):
        return _no_array(document)
    if isinstance(document, str | bytes | bytearray):
        if _is_pem(document):
            return f"{_TAKES}, not PEM; {_OF_PEM}"
        return f"{_TAKES} as a dictionary, not as text: decode it with json.loads"
    if isinstance(document, PathLike):
        return f"{_TAKES}, and no path; read it: json.loads(path.read_text())"
    if _is_sequence(document):
        return _no_array({"keys": list(document)}) or f"{_TAKES}; put this list of keys into it"
    return f"{_TAKES}, and no {type(document).__name__}; {_OF_KEY}"


def _no_array(document: Mapping[str, object]) -> str | None:
    keys = document.get("keys")
    if is_array(keys):
        return f"{_TAKES}, and no PEM in a list; {_OF_PEM}" if any(map(_is_pem, keys)) else None
    if _is_pem(keys) or ("keys" not in document and any(map(_is_pem, document.values()))):
        return f"{_TAKES}, and no PEM by name; {_OF_PEM}"
    if "keys" not in document and "kty" in document:
        return f"{_TAKES}; put this one key into it: {{'keys': [key]}}"
    if isinstance(keys, Mapping):
        return f"{_TAKES}, the key set has no array of keys; make one of its values"
    return f"{_TAKES}, the key set has no array of keys"


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence)


def _is_pem(value: object) -> bool:
    if isinstance(value, str):
        return _PEM in value
    return isinstance(value, bytes | bytearray) and _PEM.encode() in bytes(value)
