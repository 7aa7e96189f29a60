"""Key set document -> the keys that can verify something (RFC 7517, RFC 7518 §6, RFC 8037 §2).

One unusable key does not spoil the others. Symmetric keys and private members are never used:
only the public members of a key are looked at.
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
"""Keys of one set that are looked at; the largest issuers publish a dozen."""

MAX_CANDIDATES: Final = 4
"""Keys with the same id that are tried for one token, so that its cost has a bound."""

_OPEN: Final = ""
"""In the place of an algorithm; no token has this one."""

_PUBLIC_MEMBERS: Final = {"RSA": ("n", "e"), "EC": ("x", "y"), "OKP": ("x",)}
_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


@dataclass(frozen=True, slots=True)
class Key:
    """A public key of the issuer.

    Arguments:
        kid: its key id; None where the entry has none, or an empty one.
        algorithms: names of the algorithms that it may serve.
        is_open: it is an RSA key whose algorithm the key set does not name; it serves the one that
            the verifier takes for such keys.
        members: the members that make the key, for comparing two sets.
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
class Unreadable:
    """Stands in a key set for an entry that cannot be read by itself.

    Arguments:
        reason: why not.
        kid: what looks like its key id, for the operator alone; None if nothing does.
    """

    reason: str
    kid: str | None = None


class KeyWarning(str):
    """What an operator should know of an entry of a key set.

    It names the entry by its position and key id, never by key material, and says why it is not
    used or what else is wrong with it.

    Attributes:
        is_fault: the entry has a fault; otherwise it is made for something else.
        is_used: the key is used all the same.
    """

    __slots__ = ("is_fault", "is_used")

    is_fault: bool
    is_used: bool

    def __new__(cls, text: str, *, is_fault: bool, is_used: bool = False) -> "KeyWarning":
        """Return `text` as a warning."""
        warning = super().__new__(cls, text)
        warning.is_fault, warning.is_used = is_fault, is_used
        return warning


class _NotForUs(ValueError):
    """The key is in order, and made for something else."""


@dataclass(frozen=True, slots=True)
class KeySet:
    """The issuer's usable keys; two sets with the same keys are equal.

    Arguments:
        keys: in the order of the JWK Set.
        warnings: what an operator should know of the entries that are not used, or have a fault.
    """

    keys: tuple[Key, ...]
    warnings: tuple[KeyWarning, ...] = field(default=(), repr=False, compare=False)
    _fitting: Mapping[tuple[str, str | None], tuple[Key, ...]] = field(
        init=False, repr=False, compare=False
    )
    """By algorithm and key id, and all of an algorithm under None: a set can be large. Open keys
    stand under the algorithm `_OPEN`, and keys without an id under the empty one."""
    _kids: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        fitting: defaultdict[tuple[str, str | None], list[Key]] = defaultdict(list)
        named: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
        for key in self.keys:
            if not key.is_open:
                named[key.members] |= key.algorithms
        for key in self.keys:
            # An entry without `alg` serves what another entry of the same key names.
            for alg in named.get(key.members, {_OPEN}) if key.is_open else key.algorithms:
                fitting[alg, None].append(key)
                fitting[alg, key.kid or ""].append(key)
        object.__setattr__(self, "_fitting", {name: tuple(keys) for name, keys in fitting.items()})
        object.__setattr__(self, "_kids", frozenset(key.kid or "" for key in self.keys))

    @classmethod
    def from_jwks(cls, jwks: Mapping[str, object]) -> "KeySet":
        """Return the usable keys of a JWK Set, `{"keys": [...]}`.

        Raises:
            ValueError: it is no JWK Set, or holds no usable key (RFC 7517 §5).
        """
        entries = jwks.get("keys")
        if not is_array(entries):
            raise ValueError("the key set has no array of keys")
        keys: dict[Key, None] = {}  # A set that keeps the order.
        warnings: list[KeyWarning] = []
        if len(entries) > MAX_KEYS:
            text = f"of {len(entries)} keys only the first {MAX_KEYS} are looked at"
            warnings.append(KeyWarning(text, is_fault=True))
        for number, entry in enumerate(entries[:MAX_KEYS], start=1):
            try:
                key = _key(entry)
            except ValueError as err:
                text = f"key {number}{_named(entry)} is not used: {err}"
                warnings.append(KeyWarning(text, is_fault=not isinstance(err, _NotForUs)))
                continue
            keys[key] = None
            if is_object(entry) and not _PRIVATE_MEMBERS.isdisjoint(entry):
                text = f"key {number}{_named(entry)} is published with private members"
                warnings.append(KeyWarning(text, is_fault=True, is_used=True))
        if not keys:
            reasons = sorted(warnings, key=lambda one: not one.is_fault)
            raise ValueError("; ".join(["the key set has no usable key", *reasons[:3]]))
        return cls(tuple(keys), tuple(warnings))

    def has(self, kid: str) -> bool:
        """Return whether a key with this id is in the set, whatever it serves.

        An empty id names the keys that have none.
        """
        return kid in self._kids

    def candidates(
        self, alg: str, kid: str | None, *, rsa_default: str = "RS256"
    ) -> tuple[Key, ...]:
        """Return the keys that may have signed a token with these headers, a few at most.

        Arguments:
            rsa_default: the algorithm that RSA keys without `alg` serve.

        Raises:
            KeyAmbiguous: the token names no key, and more than one would fit.
        """
        fitting = self._fitting.get((alg, kid), ())
        if alg == rsa_default:
            fitting += self._fitting.get((_OPEN, kid), ())
        if kid is None and len(fitting) > 1:
            raise KeyAmbiguous(f"no kid, and {len(fitting)} keys can serve {alg}")
        return fitting[:MAX_CANDIDATES]


def _named(entry: object) -> str:
    kid = entry.get("kid") if is_object(entry) else getattr(entry, "kid", None)
    return f" (kid {shown(kid)})" if isinstance(kid, str) and kid else ""


def _optional(entry: Mapping[str, object], name: str) -> object:
    """Return a member, or None where it is absent, null or empty, which say the same."""
    value = entry.get(name)
    return None if value in ("", [], {}) else value


def _key(entry: object) -> Key:
    if isinstance(entry, Unreadable):
        raise ValueError(entry.reason)
    if not is_object(entry):
        raise ValueError("it is not an object")
    kty, crv, alg, kid = (_optional(entry, name) for name in ("kty", "crv", "alg", "kid"))
    if kid is not None and not isinstance(kid, str):
        raise ValueError("kid is not a string")
    if alg is not None and not isinstance(alg, str):
        raise ValueError("alg is not a string")
    if not isinstance(kty, str) or kty not in _PUBLIC_MEMBERS:
        raise _NotForUs(f"kty is {shown(kty)}")
    if (use := _optional(entry, "use")) not in (None, "sig"):
        raise _NotForUs(f"use is {shown(use)}")
    operations = _optional(entry, "key_ops")
    if operations is not None and not (is_array(operations) and "verify" in operations):
        raise _NotForUs(f"key_ops is {shown(operations)} and does not hold verify")
    algorithms = served_by(kty, crv if kty != "RSA" else None, alg)
    if not algorithms:
        raise _NotForUs(f"crv {shown(crv)} with alg {shown(alg)} serves no supported algorithm")
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
        if public_jwk["kty"] == "RSA":
            key: object = RSAAlgorithm.from_jwk(public_jwk)
        elif public_jwk["kty"] == "EC":
            key = ECAlgorithm.from_jwk(public_jwk)
        else:
            key = OKPAlgorithm.from_jwk(public_jwk)
    except (InvalidKeyError, UnsupportedAlgorithm, OverflowError, ValueError):
        raise ValueError("its members make no key") from None
    if not isinstance(key, PublicKey):  # pragma: no cover
        # No other kind gets past `served_by`, and without private members no key is private.
        raise ValueError("its members make no public key that is supported")
    if fault := weakness(key):
        raise ValueError(fault)
    return key
