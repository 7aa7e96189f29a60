"""The interface of key sources (`KeySource`), and a source of fixed keys (`StaticKeys`)."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Final, Protocol, TypeGuard, runtime_checkable

from asgi_bearer.jose.encoding import is_array
from asgi_bearer.keys.jwk import KeySet, KeyWarning

MAX_LISTED: Final = 20
"""Entries of a key set that the log or the status lists at a time."""

_EXPECTED: Final = "StaticKeys takes a JWK Set, {'keys': [...]}"
_PEM_HINT: Final = (
    "make one with PyJWT: {'keys': [RSAAlgorithm.to_jwk(load_pem_public_key(pem), as_dict=True)"
    " | {'kid': kid}]}, with the kid in the header of the issuer's tokens"
    " (jwt.algorithms; ECAlgorithm and OKPAlgorithm for other keys)"
)
_KEY_HINT: Final = (
    "PyJWT converts a key: RSAAlgorithm.to_jwk(key, as_dict=True) | {'kid': kid} (jwt.algorithms)"
)
_PEM_HEADER: Final = "-----BEGIN "

logger = logging.getLogger("asgi_bearer.keys")


@dataclass(frozen=True, slots=True)
class Missed:
    """Says that a token did not verify with a key set, so newer keys may be needed.

    Arguments:
        key_set: the key set that was used. If it has been replaced in the meantime, the newer set
            is returned and nothing is fetched.
        unknown_kid: whether the key id of the token is not in that set. If it is, the signature
            did not verify with that key.
    """

    key_set: KeySet
    unknown_kid: bool

    @classmethod
    def by_kid(cls, key_set: KeySet, kid: object) -> "Missed":
        """Return the `Missed` for a token with the header `kid`."""
        return cls(key_set, unknown_kid=isinstance(kid, str) and not key_set.has(kid))


class KeySource(Protocol):
    """Returns the keys of an issuer.

    It is asked for every token, also for one whose result is cached.
    """

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the issuer's keys.

        With `missed`, return newer keys. Returning the same object as `missed.key_set` means that
        there are no newer keys, so the token is refused.

        Raises:
            KeysUnavailable: there are no keys; or, with `missed`, it is unknown whether there are
                newer ones.
        """
        ...


@runtime_checkable
class Warmable(Protocol):
    """A key source or verifier that can fetch keys at startup, and stop at shutdown.

    Both methods are called in the event loop of the server.
    """

    def warm(self) -> None:
        """Start to fetch keys in the background."""
        ...

    async def aclose(self) -> None:
        """Cancel a running fetch. The object may be used again afterwards."""
        ...


class StaticKeys:
    """Keys that never change.

    Arguments:
        document: a JWK Set (RFC 7517 §5): `{"keys": [...]}`. Entries that are not used are logged
            to `asgi_bearer.keys`.

    Raises:
        ValueError: the document is not a JWK Set, or has no usable key.
    """

    def __init__(self, document: Mapping[str, object]) -> None:
        if fault := _document_fault(document):
            raise ValueError(fault)
        self._key_set = KeySet.from_jwks(document)
        log_warnings(self._key_set.warnings, "static keys")

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the keys."""
        return self._key_set


def log_warnings(warnings: Sequence[KeyWarning], where: object) -> None:
    """Log which entries of a key set are not used, and why."""
    for warning in warnings[:MAX_LISTED]:
        level = logging.WARNING if warning.is_fault else logging.INFO
        logger.log(level, "%s: %s", where, warning)
    if len(warnings) > MAX_LISTED:
        logger.warning("%s: and %d more entries", where, len(warnings) - MAX_LISTED)


def left_out(warnings: Sequence[KeyWarning]) -> tuple[str, ...]:
    """Return a sentence for each entry that is not used: `MAX_LISTED`, and how many more."""
    unused = [warning for warning in warnings if not warning.is_used]
    more = len(unused) - MAX_LISTED
    return (*unused[:MAX_LISTED], *([f"and {more} more entries"] if more > 0 else ()))


def _document_fault(document: object) -> str | None:
    """Return why `document` is not a mapping with an array of keys, or None. It is never quoted."""
    if _is_mapping(document):
        return _mapping_fault(document)
    if isinstance(document, str | bytes | bytearray):
        if _is_pem(document):
            return f"{_EXPECTED}, not PEM; {_PEM_HINT}"
        return f"{_EXPECTED} as a dictionary, not as text: decode it with json.loads"
    if isinstance(document, PathLike):
        return f"{_EXPECTED}, not a path; read the file: json.loads(path.read_text())"
    if _is_sequence(document):
        wrapped = {"keys": list(document)}
        return _mapping_fault(wrapped) or f"{_EXPECTED}, not a list; write {{'keys': the_list}}"
    return f"{_EXPECTED}, not {type(document).__name__}; {_KEY_HINT}"


def _mapping_fault(document: Mapping[str, object]) -> str | None:
    keys = document.get("keys")
    if is_array(keys):
        return f"{_EXPECTED}, not a list of PEM; {_PEM_HINT}" if any(map(_is_pem, keys)) else None
    if _is_pem(keys) or ("keys" not in document and any(map(_is_pem, document.values()))):
        return f"{_EXPECTED}, not a mapping to PEM; {_PEM_HINT}"
    if "keys" not in document and "kty" in document:
        return f"{_EXPECTED}, not one key; write {{'keys': [key]}}"
    if isinstance(keys, Mapping):
        return f"{_EXPECTED}, but keys is not an array; write {{'keys': list(keys.values())}}"
    return f"{_EXPECTED}, but the key set has no array of keys"


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, Sequence)


def _is_pem(value: object) -> bool:
    if isinstance(value, str):
        return _PEM_HEADER in value
    return isinstance(value, bytes | bytearray) and _PEM_HEADER.encode() in bytes(value)
