"""Parses a JWK Set and looks up its keys by `kid` (RFC 7517, RFC 7518 §6, RFC 8037 §2).

An unusable key is left out, and the others are used. Only the public members of a key are read, so
symmetric keys and private members are never used.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from jwt import InvalidKeyError
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from asgi_bearer.errors import KeyAmbiguous, shown
from asgi_bearer.jose.algorithms import TABLE, PublicKey, SignatureCheck, served_by
from asgi_bearer.jose.encoding import base64url_decode, is_array, is_object
from asgi_bearer.keys.strength import weakness

MAX_KEYS: Final = 1000
"""Keys of one set that are read. The largest issuers publish a dozen."""

MAX_CANDIDATES: Final = 4
"""Keys with the same id that are tried for one token. It limits the cost of a token."""

_NO_ALG: Final = ""
"""Stands for the missing `alg` of an RSA key. No token has an empty `alg`."""

_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}
_PARSERS = {"RSA": RSAAlgorithm.from_jwk, "EC": ECAlgorithm.from_jwk, "OKP": OKPAlgorithm.from_jwk}
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the issuer.

    Arguments:
        kid: the key id; None if it is missing or empty.
        algorithms: names of the algorithms that the key may be used for.
        is_open: whether it is an RSA key without `alg`. The verifier selects its algorithm.
        members: the public members, for comparing two key sets.
    """

    kid: str | None
    algorithms: frozenset[str]
    is_open: bool
    members: tuple[str, ...] = field(repr=False)
    _checks: Mapping[str, SignatureCheck] = field(repr=False, compare=False)

    def verifies(self, alg: str, signing_input: bytes, signature: bytes) -> bool:
        """Return whether `signature` over `signing_input` was made with this key."""
        try:
            self._checks[alg](signature, signing_input)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class UnreadableEntry:
    """Replaces an entry of a key set that cannot be parsed.

    Arguments:
        reason: why it cannot be parsed.
        kid: the text that looks like its key id, only for the log; None if there is none.
    """

    reason: str
    kid: str | None = None


class KeyWarning(str):
    """Says what is wrong with an entry of a key set, or why it is not used.

    It names the entry by position and key id, never by key material.

    Attributes:
        is_fault: whether the entry has a fault; otherwise it has another purpose.
        is_used: whether the key is used nevertheless.
    """

    __slots__ = ("is_fault", "is_used")

    is_fault: bool
    is_used: bool

    def __new__(cls, text: str, *, is_fault: bool, is_used: bool = False) -> "KeyWarning":
        """Return `text` as a warning."""
        warning = super().__new__(cls, text)
        warning.is_fault, warning.is_used = is_fault, is_used
        return warning


class _OtherPurpose(ValueError):
    """The key is valid, but not for verifying tokens."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The issuer's usable keys. Two sets with the same keys are equal.

    Arguments:
        keys: the keys, in the order of the JWK Set.
        warnings: one for each entry that is not used or has a fault.
    """

    keys: tuple[Key, ...]
    warnings: tuple[KeyWarning, ...] = field(default=(), repr=False, compare=False)
    _by_alg_and_kid: Mapping[tuple[str, str | None], tuple[Key, ...]] = field(
        init=False, repr=False, compare=False
    )
    """Keys by algorithm and key id, and all keys of an algorithm under the id None. RSA keys
    without `alg` have the algorithm `_NO_ALG`; keys without an id have the empty id."""
    _kids: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: defaultdict[tuple[str, str | None], list[Key]] = defaultdict(list)
        stated: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for key in self.keys:
            if not key.is_open:
                stated[key.members] |= key.algorithms
        for key in self.keys:
            # An entry without `alg` takes the `alg` of another entry with the same key.
            for alg in stated.get(key.members, {_NO_ALG}) if key.is_open else key.algorithms:
                index[alg, None].append(key)
                index[alg, key.kid or ""].append(key)
        object.__setattr__(self, "_by_alg_and_kid", {at: tuple(keys) for at, keys in index.items()})
        object.__setattr__(self, "_kids", frozenset(key.kid or "" for key in self.keys))

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, object]) -> "KeySet":
        """Return the usable keys of a JWK Set, `{"keys": [...]}`.

        Raises:
            ValueError: it is not a JWK Set, or has no usable key (RFC 7517 §5).
        """
        entries = jwks.get("keys")
        if not is_array(entries):
            raise ValueError("the key set has no array of keys")
        keys: dict[Key, None] = {}  # an ordered set
        warnings: list[KeyWarning] = []
        if len(entries) > MAX_KEYS:
            text = f"only the first {MAX_KEYS} of {len(entries)} keys are read"
            warnings.append(KeyWarning(text, is_fault=True))
        for number, entry in enumerate(entries[:MAX_KEYS], start=1):
            try:
                key = _key(entry)
            except ValueError as err:
                text = f"key {number}{_kid_text(entry)} is not used: {err}"
                warnings.append(KeyWarning(text, is_fault=not isinstance(err, _OtherPurpose)))
                continue
            keys[key] = None
            if is_object(entry) and not _PRIVATE_MEMBERS.isdisjoint(entry):
                text = f"key {number}{_kid_text(entry)} is published with private members"
                warnings.append(KeyWarning(text, is_fault=True, is_used=True))
        if not keys:
            reasons = sorted(warnings, key=lambda one: not one.is_fault)
            raise ValueError("; ".join(["the key set has no usable key", *reasons[:3]]))
        return cls(tuple(keys), tuple(warnings))

    def has(self, kid: str) -> bool:
        """Return whether the set has a key with this id, for any algorithm.

        The empty id stands for keys without an id.
        """
        return kid in self._kids

    def candidates(
        self, alg: str, kid: str | None, *, rsa_default: str = "RS256"
    ) -> tuple[Key, ...]:
        """Return at most `MAX_CANDIDATES` keys that may have signed a token with these headers.

        Arguments:
            rsa_default: the algorithm of RSA keys without `alg`.

        Raises:
            KeyAmbiguous: the token has no `kid`, and more than one key fits.
        """
        keys = self._by_alg_and_kid.get((alg, kid), ())
        if alg == rsa_default:
            keys += self._by_alg_and_kid.get((_NO_ALG, kid), ())
        if kid is None and len(keys) > 1:
            raise KeyAmbiguous(f"no kid, and {len(keys)} keys fit {alg}")
        return keys[:MAX_CANDIDATES]


def _kid_text(entry: object) -> str:
    kid = entry.get("kid") if is_object(entry) else getattr(entry, "kid", None)
    return f" (kid {shown(kid)})" if isinstance(kid, str) and kid else ""


def _optional(entry: Mapping[str, object], name: str) -> object:
    """Return a member, or None if it is missing, null or empty."""
    value = entry.get(name)
    return None if value in ("", [], {}) else value


def _key(entry: object) -> Key:
    if isinstance(entry, UnreadableEntry):
        raise ValueError(entry.reason)
    if not is_object(entry):
        raise ValueError("it is not an object")
    kty, crv, alg, kid = (_optional(entry, name) for name in ("kty", "crv", "alg", "kid"))
    if kid is not None and not isinstance(kid, str):
        raise ValueError("kid is not a string")
    if alg is not None and not isinstance(alg, str):
        raise ValueError("alg is not a string")
    if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
        raise _OtherPurpose(f"kty is {shown(kty)}")
    if (use := _optional(entry, "use")) not in (None, "sig"):
        raise _OtherPurpose(f"use is {shown(use)}")
    operations = _optional(entry, "key_ops")
    if operations is not None and not (is_array(operations) and "verify" in operations):
        raise _OtherPurpose(f"key_ops is {shown(operations)} and does not hold verify")
    algorithms = served_by(kty, crv if kty != "RSA" else None, alg)
    if not algorithms:
        raise _OtherPurpose(f"crv {shown(crv)} with alg {shown(alg)} is not a supported algorithm")
    members = {name: _member(entry, name) for name in _PUBLIC_MEMBERS[kty]}
    public_key = _public_key({"kty": kty, "crv": crv, **members})
    return Key(
        kid=kid,
        algorithms=algorithms,
        is_open=kty == "RSA" and alg is None,
        members=(kty, str(crv), *members.values()),
        _checks={alg: TABLE[alg].check_with(public_key) for alg in algorithms},
    )


def _member(jwk: Mapping[str, object], name: str) -> str:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} is not a string")
    if not base64url_decode(value):
        raise ValueError(f"{name} is empty")
    return value


def _public_key(public_jwk: dict[str, object]) -> PublicKey:
    try:
        key: object = _PARSERS[str(public_jwk["kty"])](public_jwk)
    except (InvalidKeyError, UnsupportedAlgorithm, OverflowError, ValueError):
        raise ValueError("its members do not form a key") from None
    if not isinstance(key, PublicKey):  # pragma: no cover
        # `served_by` refuses other types, and a key without private members is public.
        raise ValueError("its members do not form a supported public key")
    if fault := weakness(key):
        raise ValueError(fault)
    return key
