"""The entries of the registrations file, and the checks of each entry.

A check that depends on another field runs only if that field is valid. So all faults of an entry
can be reported at once.
"""

from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from demo.authorization_server.registrations.claims import accepted_claims, claims_fault
from demo.authorization_server.registrations.model import (
    RESPONSE_TYPES,
    Api,
    Client,
    GrantType,
    TokenProfile,
    User,
)
from demo.authorization_server.registrations.passwords import hash_fault, matches
from demo.authorization_server.registrations.values import (
    Identifier,
    Lifetime,
    Name,
    Origin,
    RedirectUri,
    ResponseType,
    ScopeName,
    Secret,
    Subject,
    fault,
)

WEB_APPLICATION = "{web_application}"
"""Placeholder at the start of a redirect URI for the address of the demo's web application."""


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ApiEntry(_Entry):
    """An `[[api]]`; lifetimes are in seconds, with the defaults of Auth0."""

    identifier: Identifier
    name: Name
    scopes: dict[ScopeName, Name] = {}
    token_profile: TokenProfile = "jwt"  # noqa: S105 (a name, no secret)
    allow_offline_access: bool = False
    token_lifetime: Lifetime = 86400
    front_channel_token_lifetime: Lifetime = 7200

    def registered(self) -> Api:
        """Return the API that this entry registers."""
        return Api(
            identifier=self.identifier,
            name=self.name,
            scopes=MappingProxyType(dict(self.scopes)),
            token_profile=self.token_profile,
            allow_offline_access=self.allow_offline_access,
            token_lifetime=self.token_lifetime,
            front_channel_token_lifetime=self.front_channel_token_lifetime,
        )


class ClientEntry(_Entry):
    """A `[[client]]`. A check can use only the fields above its own."""

    client_id: Subject
    name: Name
    type: Literal["confidential", "public"]
    client_secret: Secret | None = Field(default=None, repr=False)
    redirect_uris: list[RedirectUri] = []
    post_logout_redirect_uris: list[RedirectUri] = []
    origins: list[Origin] = []
    grant_types: list[GrantType] = []
    response_types: list[ResponseType] = []
    introspects: list[str] = []

    def registered(self) -> Client:
        """Return the client that this entry registers."""
        return Client(
            client_id=self.client_id,
            name=self.name,
            client_secret=self.client_secret,
            redirect_uris=tuple(self.redirect_uris),
            post_logout_redirect_uris=tuple(self.post_logout_redirect_uris),
            origins=tuple(self.origins),
            response_types=frozenset(self.response_types),
            grant_types=frozenset(self.grant_types),
            introspects=frozenset(self.introspects),
        )

    @field_validator("client_secret")
    @classmethod
    def _no_secret_for_a_public_client(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and info.data.get("type") == "public":
            raise fault("must be absent: a public client cannot keep a secret")
        return value

    @field_validator("origins")
    @classmethod
    def _no_origins_for_a_confidential_client(
        cls, value: list[str], info: ValidationInfo
    ) -> list[str]:
        if value and info.data.get("type") == "confidential":
            raise fault("must be absent: a script in a browser cannot keep a secret")
        return value

    @field_validator("grant_types")
    @classmethod
    def _possible_grant_types(cls, value: list[GrantType], info: ValidationInfo) -> list[GrantType]:
        if info.data.get("type") == "public" and "client_credentials" in value:
            raise fault("must not have client_credentials: a public client cannot authenticate")
        if "refresh_token" in value and "authorization_code" not in value:
            raise fault("must have authorization_code if it has refresh_token")
        return value

    @field_validator("response_types")
    @classmethod
    def _possible_response_types(
        cls, value: list[frozenset[str]], info: ValidationInfo
    ) -> list[frozenset[str]]:
        granted = info.data.get("grant_types")
        needed = frozenset[GrantType]().union(*(RESPONSE_TYPES[components] for components in value))
        if granted is not None and not needed.issubset(granted):
            raise fault(f"needs {' and '.join(sorted(needed))} in grant_types")
        if value and info.data.get("redirect_uris") == []:
            raise fault("needs redirect_uris")
        return value

    @field_validator("introspects")
    @classmethod
    def _no_introspection_by_a_public_client(
        cls, value: list[str], info: ValidationInfo
    ) -> list[str]:
        if value and info.data.get("type") == "public":
            raise fault("must be absent: a public client cannot authenticate")
        return value


class UserEntry(_Entry):
    """A `[[user]]`."""

    username: Subject
    password_hash: str = Field(repr=False)
    shown_password: str | None = Field(default=None, repr=False)
    claims: dict[str, object] = Field(default={}, repr=False)

    def registered(self) -> User:
        """Return the user that this entry registers; ignored claims are logged."""
        return User(
            username=self.username,
            password_hash=self.password_hash,
            shown_password=self.shown_password,
            claims=MappingProxyType(accepted_claims(self.username, self.claims)),
        )

    @field_validator("password_hash")
    @classmethod
    def _password_hash(cls, value: str) -> str:
        if reason := hash_fault(value):
            raise fault(reason)
        return value

    @field_validator("shown_password")
    @classmethod
    def _matching_password(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None or "password_hash" not in info.data:
            return value
        if not matches(value, info.data["password_hash"]):
            raise fault("must be the password of password_hash")
        return value

    @field_validator("claims")
    @classmethod
    def _claims(cls, value: dict[str, object]) -> dict[str, object]:
        if reason := claims_fault(value):
            raise fault(reason)
        return value
