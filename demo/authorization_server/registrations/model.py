"""The registered APIs, clients and users, and the checks of their entries in the file.

A check that depends on another field runs only if that field is valid. So all faults of an entry
can be reported at once. Values that are made in Python are not checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from pydantic import ConfigDict, StrictBool, ValidationInfo, field_validator

from demo.authorization_server.registrations.passwords import matches
from demo.authorization_server.registrations.values import (
    RESPONSE_TYPES,
    Claims,
    GrantType,
    Identifier,
    Lifetime,
    Name,
    Origin,
    PasswordHash,
    RedirectUri,
    ResponseType,
    Scopes,
    Secret,
    Subject,
    TokenProfile,
    fault,
)

_ABSENT_FROM = MappingProxyType(
    {
        "client_secret": ("public", "a public client cannot keep a secret"),
        "introspects": ("public", "a public client cannot authenticate"),
        "origins": ("confidential", "a script in a browser cannot keep a secret"),
    }
)
"""Fields of a client, the type of client that must not have each, and the reason."""


@dataclass(frozen=True, slots=True)
class Api:
    """An API that tokens are issued for: an `[[api]]`, with the defaults of Auth0.

    Arguments:
        identifier: the audience of its tokens.
        scopes: name → text for the consent page.
        token_profile: the form of its tokens: `jwt` or `rfc9068`.
        allow_offline_access: whether clients can get refresh tokens for it.
        token_lifetime: seconds, for tokens from the token endpoint.
        front_channel_token_lifetime: seconds, for tokens that pass through the browser.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    identifier: Identifier
    name: Name
    scopes: Scopes = field(default_factory=dict[str, str])
    token_profile: TokenProfile = "jwt"  # noqa: S105 (a name, no secret)
    allow_offline_access: StrictBool = False
    token_lifetime: Lifetime = 86400
    front_channel_token_lifetime: Lifetime = 7200


@dataclass(frozen=True, slots=True)
class Client:
    """A client (RFC 6749 §2): a `[[client]]`. Its `repr` does not show the secret.

    A check can use only the fields above its own.

    Arguments:
        client_secret: None for a public client.
        redirect_uris: compared byte for byte, except for the port of a public client's loopback
            address.
        origins: of a public client: the origins of its scripts, besides those of its redirect
            URIs.
        response_types: the response types that it may use; keys of `RESPONSE_TYPES`.
        introspects: the APIs whose tokens it may introspect, besides its own tokens.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    client_id: Subject
    name: Name
    type: Literal["confidential", "public"]
    client_secret: Secret | None = field(default=None, repr=False)
    redirect_uris: tuple[RedirectUri, ...] = ()
    post_logout_redirect_uris: tuple[RedirectUri, ...] = ()
    origins: tuple[Origin, ...] = ()
    grant_types: frozenset[GrantType] = frozenset()
    response_types: frozenset[ResponseType] = frozenset()
    introspects: frozenset[str] = frozenset()

    def may_refresh(self, api: Api | None) -> bool:
        """Return whether the client can get a refresh token for this API."""
        return api is not None and api.allow_offline_access and "refresh_token" in self.grant_types

    @property
    def is_public(self) -> bool:
        """Whether it cannot keep a secret and must use PKCE."""
        return self.type == "public"

    @field_validator(*_ABSENT_FROM)
    @classmethod
    def _possible_for_the_type(cls, value: object, info: ValidationInfo) -> object:
        type_without, reason = _ABSENT_FROM[str(info.field_name)]
        if value and info.data.get("type") == type_without:
            raise fault(f"must be absent: {reason}")
        return value

    @field_validator("grant_types")
    @classmethod
    def _possible_grant_types(
        cls, value: frozenset[GrantType], info: ValidationInfo
    ) -> frozenset[GrantType]:
        if info.data.get("type") == "public" and "client_credentials" in value:
            raise fault("must not have client_credentials: a public client cannot authenticate")
        if "refresh_token" in value and "authorization_code" not in value:
            raise fault("must have authorization_code if it has refresh_token")
        return value

    @field_validator("response_types")
    @classmethod
    def _possible_response_types(
        cls, value: frozenset[frozenset[str]], info: ValidationInfo
    ) -> frozenset[frozenset[str]]:
        granted = info.data.get("grant_types")
        needed = frozenset[GrantType]().union(*(RESPONSE_TYPES[components] for components in value))
        if granted is not None and not needed.issubset(granted):
            raise fault(f"needs {' and '.join(sorted(needed))} in grant_types")
        if value and info.data.get("redirect_uris") == ():
            raise fault("needs redirect_uris")
        return value


@dataclass(frozen=True, slots=True)
class User:
    """A person who can sign in: a `[[user]]`. Its `repr` shows no password.

    Arguments:
        username: also the subject of the user's tokens.
        password_hash: Argon2id, in PHC form.
        shown_password: the password itself, which the sign-in page fills in. Only for accounts that
            protect nothing; None for all others.
        claims: by name; the name of a custom claim is a URL.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    username: Subject
    password_hash: PasswordHash = field(repr=False)
    shown_password: str | None = field(default=None, repr=False)
    claims: Claims = field(default_factory=dict[str, object])

    @field_validator("shown_password")
    @classmethod
    def _matching_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "password_hash" not in info.data:
            return value
        if not matches(value, info.data["password_hash"]):
            raise fault("must be the password of password_hash")
        return value


@dataclass(frozen=True, slots=True)
class Registrations:
    """All registrations, in file order: APIs by identifier, clients by id, users by name."""

    apis: Mapping[str, Api]
    clients: Mapping[str, Client]
    users: Mapping[str, User]
