"""Who makes a request: `Principal` for a verified access token, `Anonymous` without credentials.

Starlette shows either as `request.user` and `request.auth`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from asgi_bearer.jose.frozen import FrozenDict, frozen, thawed

CLIENT_CLAIMS: Final = ("client_id", "azp", "cid", "appid")
"""Claims that name the client; the first one that is present counts. RFC 9068 §2.2, OpenID Connect
Core §2, Okta, Entra tokens of version 1."""

_UNESCAPED: Final = "/:@!$&'()*+,;="
"""Characters that stay as they are, beside letters, digits and `-._~`."""


class _Decoded:
    """Holds the decoded claims of a `Principal` until the application reads them."""

    __slots__ = ("_decoded",)

    _decoded: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Principal(_Decoded):
    """The subject and the client of a verified access token.

    Arguments:
        issuer: the issuer identifier (`iss`).
        subject: the subject (`sub`), unique within the issuer only; None if the token has none.
        client_id: the client that the token was issued to (`client_id`, `azp`, `cid` or `appid`),
            or None.
        scopes: the granted scopes.
        expires_at: `exp`, in seconds since the epoch.
        claims: all claims as the issuer wrote them. They are read-only, because requests with the
            same token share them: objects are read-only dictionaries, arrays are tuples. They can
            be copied, pickled and written as JSON.
    """

    issuer: str
    subject: str | None
    client_id: str | None
    scopes: frozenset[str]
    expires_at: float
    claims: Mapping[str, object] = field(repr=False, hash=False)

    if not TYPE_CHECKING:  # pragma: no branch - or a type checker would accept any attribute

        def __getattr__(self, name: str) -> object:
            """Freeze the claims of a verified token when the application first reads them."""
            if name != "claims":
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            claims = frozen(self._decoded)
            object.__setattr__(self, "claims", claims)
            _set_decoded(self, claims)
            return claims

    @property
    def is_authenticated(self) -> bool:
        """True."""
        return True

    @property
    def is_client(self) -> bool | None:
        """Whether the client acts for itself, without a user (RFC 9700 §4.15); None if unknown.

        Many issuers do not say. An endpoint for users only must test `is_client is False`.
        """
        claims = self.claims
        if (idtyp := claims.get("idtyp")) in ("app", "user"):
            return idtyp == "app"  # Entra
        if claims.get("gty") == "client-credentials":
            return True  # Auth0
        if claims.get("grant_type") == "client_credentials":
            return True  # Cloud Foundry UAA, ForgeRock
        if self.client_id is not None and self.subject in (
            self.client_id,
            f"{self.client_id}@clients",
        ):
            return True  # RFC 9068 §2.2; Auth0
        # auth_time: a user signed in (RFC 9068 §2.2.1). Old Keycloaks write 0 if no user did.
        return False if self.subject is not None and _is_time(claims.get("auth_time")) else None

    @property
    def identity(self) -> str:
        """Issuer and subject, separated by a space. The subject alone is not unique.

        An issuer that is not a URL is percent-escaped, because it may hold a space.
        """
        return f"{_without_spaces(self.issuer)} {self.subject or ''}"

    @property
    def display_name(self) -> str:
        """The subject, or an empty string."""
        return self.subject or ""

    def to_dict(self) -> dict[str, object]:
        """Return all attributes as dictionaries, lists and other JSON values."""
        return {
            "issuer": self.issuer,
            "subject": self.subject,
            "client_id": self.client_id,
            "scopes": sorted(self.scopes),
            "expires_at": self.expires_at,
            "claims": thawed(self.claims),
        }


def _is_time(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _without_spaces(issuer: str) -> str:
    """Return `issuer` without spaces: a URL as it is, any other issuer escaped so that it cannot
    look like a URL."""
    if " " not in issuer and "://" in issuer:
        return issuer
    return quote(issuer, safe=_UNESCAPED, errors="surrogatepass").replace("://", "%3A//")


def principal_of(claims: dict[str, object], *, issuer: str, scopes: frozenset[str]) -> Principal:
    """Return the principal of verified `claims`.

    Arguments:
        claims: the decoded claims, which must not be changed afterwards.
        scopes: the granted scopes.
    """
    client_id = None
    for name in CLIENT_CLAIMS:
        if name in claims:
            client_id = claims[name]
            break
    subject, expires_at = claims.get("sub"), claims["exp"]
    # The constructor of a frozen dataclass takes twice as long, and it needs frozen claims.
    principal = object.__new__(Principal)
    _set_issuer(principal, issuer)
    _set_subject(principal, subject if isinstance(subject, str) else None)
    _set_client_id(principal, client_id if isinstance(client_id, str) else None)
    _set_scopes(principal, scopes)
    _set_expires_at(principal, float(expires_at) if isinstance(expires_at, (int, float)) else 0.0)
    _set_decoded(principal, claims)
    return principal


_set_issuer, _set_subject, _set_client_id, _set_scopes, _set_expires_at = (
    vars(Principal)[name].__set__
    for name in ("issuer", "subject", "client_id", "scopes", "expires_at")
)
_set_decoded = vars(_Decoded)["_decoded"].__set__


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Stands for the client of a request without credentials, where that is allowed.

    It has the attributes of a `Principal`, all of them empty.
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
        """None: unknown."""

    @property
    def display_name(self) -> str:
        """An empty string."""
        return ""

    def to_dict(self) -> dict[str, object]:
        """Return the same members as a `Principal`, all of them empty."""
        return {
            "issuer": None,
            "subject": None,
            "client_id": None,
            "scopes": [],
            "expires_at": None,
            "claims": {},
        }


ANONYMOUS: Final = Anonymous()
