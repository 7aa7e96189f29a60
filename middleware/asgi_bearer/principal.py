"""Who is calling: the verified access token, as an application sees it.

Both classes are also what Starlette calls `request.user` and `request.auth`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from asgi_bearer.encoding import is_array, is_object

_CHANGEABLE: Final = frozenset({dict, list})
"""What a JSON decoder makes and somebody could change."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The party in whose name a verified access token was issued.

    Arguments:
        issuer: the issuer identifier (`iss`).
        subject: `sub`, unique within the issuer only; None if the token has none.
        client_id: the client that the token was issued to (`client_id` or `azp`), or None.
        scopes: the scopes that were granted.
        expires_at: `exp`, in seconds since the epoch.
        claims: all claims, as the issuer wrote them. Nothing in them can be changed: objects are
            read-only mappings, arrays are tuples.
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
    def is_client(self) -> bool:
        """Whether a client acts for itself, and no user stands behind it (RFC 9700 §4.15)."""
        return self.subject is None or (
            self.client_id is not None
            and self.subject in (self.client_id, f"{self.client_id}@clients")
        )

    @property
    def identity(self) -> str:
        """Issuer and subject in one string: a subject alone identifies nobody.

        A space separates them; an issuer identifier cannot hold one.
        """
        return f"{self.issuer} {self.subject or ''}"

    @property
    def display_name(self) -> str:
        """The subject, or an empty string."""
        return self.subject or ""


def frozen(members: dict[str, object]) -> Mapping[str, object]:
    """Return decoded JSON that nobody can change any more; whoever decoded it gives it away.

    Requests share what a token says: what one of them did to it the next would believe.
    """
    for name, value in members.items():
        if type(value) in _CHANGEABLE:
            members[name] = _frozen(value)
    return MappingProxyType(members)


def _frozen(value: object) -> object:
    if is_array(value):
        # Nearly always an array of names, which needs no second look.
        return tuple(value if _CHANGEABLE.isdisjoint(map(type, value)) else map(_frozen, value))
    return frozen(value) if is_object(value) else value


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody: the request presented no credentials where it may.

    It has what a `Principal` has, all of it empty.
    """

    issuer: None = None
    subject: None = None
    client_id: None = None
    scopes: frozenset[str] = frozenset()
    expires_at: None = None
    claims: Mapping[str, object] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, hash=False
    )

    @property
    def is_authenticated(self) -> bool:
        """False."""
        return False

    @property
    def identity(self) -> str:
        """An empty string."""
        return ""

    @property
    def display_name(self) -> str:
        """An empty string."""
        return ""


ANONYMOUS: Final = Anonymous()
