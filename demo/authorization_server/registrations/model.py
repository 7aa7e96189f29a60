"""The registered APIs, clients and users, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

GrantType = Literal["authorization_code", "implicit", "refresh_token", "client_credentials"]

TokenProfile = Literal["jwt", "rfc9068"]

CLIENT_SUFFIX = "@clients"
"""Ends the subject of a token that a client got for itself, as with Auth0.

The registrations refuse a user whose name ends like this (RFC 9700 §4.15)."""

RESPONSE_TYPES: Mapping[frozenset[str], frozenset[GrantType]] = MappingProxyType(
    {
        frozenset({"code"}): frozenset[GrantType]({"authorization_code"}),
        frozenset({"code", "id_token"}): frozenset[GrantType]({"authorization_code", "implicit"}),
        frozenset({"code", "token"}): frozenset[GrantType]({"authorization_code", "implicit"}),
        frozenset({"code", "id_token", "token"}): frozenset[GrantType](
            {"authorization_code", "implicit"}
        ),
    }
)
"""The supported response types, and the grant types that each needs (RFC 7591 §2.1)."""


@dataclass(frozen=True, slots=True)
class Api:
    """An API that tokens are issued for.

    Arguments:
        identifier: the audience of its tokens.
        scopes: name → text for the consent page.
        token_profile: the form of its tokens: `jwt` or `rfc9068`.
        allow_offline_access: whether clients can get refresh tokens for it.
        token_lifetime: seconds, for tokens from the token endpoint.
        front_channel_token_lifetime: seconds, for tokens that pass through the browser.
    """

    identifier: str
    name: str
    scopes: Mapping[str, str]
    token_profile: TokenProfile
    allow_offline_access: bool
    token_lifetime: int
    front_channel_token_lifetime: int


@dataclass(frozen=True, slots=True)
class Client:
    """A client (RFC 6749 §2); its `repr` does not show the secret.

    Arguments:
        client_secret: None for a public client.
        redirect_uris: compared byte for byte, except for the port of a public client's loopback
            address.
        origins: of a public client: the origins of its scripts, besides those of its redirect
            URIs.
        response_types: the response types that it may use; keys of `RESPONSE_TYPES`.
        introspects: the APIs whose tokens it may introspect, besides its own tokens.
    """

    client_id: str
    name: str
    client_secret: str | None = field(repr=False)
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    response_types: frozenset[frozenset[str]] = frozenset()
    grant_types: frozenset[GrantType] = frozenset()
    introspects: frozenset[str] = frozenset()

    def may_refresh(self, api: Api | None) -> bool:
        """Return whether the client can get a refresh token for this API."""
        return api is not None and api.allow_offline_access and "refresh_token" in self.grant_types

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret and must use PKCE."""
        return self.client_secret is None


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in; the `repr` shows no password.

    Arguments:
        username: also the subject of the user's tokens.
        password_hash: Argon2id, in PHC form.
        shown_password: the password itself, which the sign-in page fills in. Only for accounts that
            protect nothing; None for all others.
        claims: by name; the name of a custom claim is a URL.
    """

    username: str
    password_hash: str = field(repr=False)
    shown_password: str | None = field(default=None, repr=False)
    claims: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Registrations:
    """All registrations, in file order: APIs by identifier, clients by id, users by name."""

    apis: Mapping[str, Api]
    clients: Mapping[str, Client]
    users: Mapping[str, User]
