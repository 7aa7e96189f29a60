"""Who is calling: the verified access token, as an application sees it.

Both classes are also what Starlette calls `request.user` and `request.auth`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Never, Self, TypeGuard

from asgi_bearer.encoding import is_array, is_object

_CHANGEABLE: Final = frozenset({dict, list})
"""What a JSON decoder makes and an application could change."""

CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
"""Where issuers name the client, the first that is present counts: RFC 9068 §2.2, OpenID Connect
Core §2, Okta, Entra's tokens of version 1."""


class FrozenDict(dict[str, object]):
    """A dictionary that refuses every change.

    Requests with the same token share it, and one must not change it for the next. It is a `dict`,
    because `json` and most web frameworks serialise nothing else. Its copies are the object itself;
    `dict(…)`, `{**…}` and `… | {…}` make a dictionary that can be changed.
    """

    __slots__ = ()

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError(
            "claims cannot be changed: requests share them; change a copy, dict(claims)"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = _refuse
    setdefault = update = _refuse  # pyright: ignore[reportAssignmentType] - it takes what they take

    def __init__(self, members: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> None:
        """Do nothing: `__new__` has filled it, and another call must not fill it again."""

    def __new__(cls, members: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> Self:
        """Return a dictionary of `members`; `frozen` freezes what is in them as well."""
        made = super().__new__(cls)
        super(FrozenDict, made).update(members)
        return made

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[dict[str, object]]]:
        return type(self), (dict(self),)


def frozen(members: dict[str, object]) -> FrozenDict:
    """Return decoded JSON that cannot be changed at any depth.

    Arguments:
        members: what was decoded. The caller gives it away.
    """
    for name, value in members.items():
        if type(value) in _CHANGEABLE:
            members[name] = _frozen(value)
    return FrozenDict(members)


def thawed(value: object) -> object:
    """Return a copy of `value` in which frozen objects and arrays can be changed again."""
    if is_object(value):
        return {name: thawed(member) for name, member in value.items()}
    if is_frozen_array(value):
        return [thawed(member) for member in value]
    return value


def is_frozen_array(value: object) -> TypeGuard[tuple[object, ...]]:
    """Return whether `value` is what `frozen` makes of an array."""
    return isinstance(value, tuple)


def _frozen(value: object) -> object:
    if is_array(value):
        # Nearly always an array of names, which needs no second look.
        return tuple(value if _CHANGEABLE.isdisjoint(map(type, value)) else map(_frozen, value))
    return frozen(value) if is_object(value) else value


@dataclass(frozen=True, slots=True)
class Principal:
    """The party in whose name a verified access token was issued.

    Arguments:
        issuer: the issuer identifier (`iss`).
        subject: `sub`, unique within the issuer only; None if the token has none.
        client_id: the client that the token was issued to (`client_id`, `azp`, `cid` or `appid`),
            or None.
        scopes: the scopes that were granted.
        expires_at: `exp`, in seconds since the epoch.
        claims: all claims, as the issuer wrote them. Nothing in them can be changed, because
            requests with the same token share them: objects are read-only dictionaries, arrays
            are tuples. They can be copied, pickled and written as JSON.
    """

    issuer: str
    subject: str | None
    client_id: str | None
    scopes: frozenset[str]
    expires_at: float
    claims: Mapping[str, object] = field(repr=False, hash=False)

    @property
    def is_authenticated(self) -> bool:
        """True."""
        return True

    @property
    def is_client(self) -> bool | None:
        """Whether a client acts for itself, without a user (RFC 9700 §4.15); None if unknown.

        Many issuers do not say. An endpoint for users alone must ask `is_client is False`.
        """
        if (idtyp := self.claims.get("idtyp")) in ("app", "user"):
            return idtyp == "app"  # Entra
        if self.claims.get("gty") == "client-credentials":
            return True  # Auth0
        if self.client_id is not None and self.subject in (
            self.client_id,
            f"{self.client_id}@clients",
        ):
            return True  # RFC 9068 §2.2; Auth0
        # A user was authenticated (RFC 9068 §2.2.1).
        return False if self.subject is not None and "auth_time" in self.claims else None

    @property
    def identity(self) -> str:
        """Issuer and subject in one string: a subject alone identifies nobody.

        A space separates them; one within the issuer, which only an issuer that is no URL can
        have, is written as `%20`.
        """
        return f"{self.issuer.replace(' ', '%20')} {self.subject or ''}"

    @property
    def display_name(self) -> str:
        """The subject, or an empty string."""
        return self.subject or ""

    def to_dict(self) -> dict[str, object]:
        """Return all of it in dictionaries, lists and values that JSON has."""
        return {
            "issuer": self.issuer,
            "subject": self.subject,
            "client_id": self.client_id,
            "scopes": sorted(self.scopes),
            "expires_at": self.expires_at,
            "claims": thawed(self.claims),
        }


def principal_of(claims: dict[str, object], *, issuer: str, scopes: frozenset[str]) -> Principal:
    """Return the principal of verified `claims`.

    Arguments:
        claims: what was decoded. The caller gives it away.
        scopes: what they grant.
    """
    client = next((claims[name] for name in CLIENT_CLAIMS if name in claims), None)
    subject, expires_at = claims.get("sub"), claims["exp"]
    return Principal(
        issuer=issuer,
        subject=subject if isinstance(subject, str) else None,
        client_id=client if isinstance(client, str) else None,
        scopes=scopes,
        expires_at=float(expires_at) if isinstance(expires_at, (int, float)) else 0.0,
        claims=frozen(claims),
    )


@dataclass(frozen=True, slots=True)
class Anonymous:
    """The caller of a request without credentials, where that is allowed.

    It has what a `Principal` has, all of it empty.
    """

    issuer: None = None
    subject: None = None
    client_id: None = None
    scopes: frozenset[str] = frozenset()
    expires_at: None = None
    claims: Mapping[str, object] = field(default_factory=FrozenDict, repr=False, hash=False)

    @property
    def is_authenticated(self) -> bool:
        """False."""
        return False

    @property
    def identity(self) -> str:
        """An empty string."""
        return ""

    @property
    def is_client(self) -> None:
        """None: nobody can know."""

    @property
    def display_name(self) -> str:
        """An empty string."""
        return ""

    def to_dict(self) -> dict[str, object]:
        """Return what a `Principal` returns, all of it empty."""
        return {
            "issuer": None,
            "subject": None,
            "client_id": None,
            "scopes": [],
            "expires_at": None,
            "claims": {},
        }


ANONYMOUS: Final = Anonymous()
