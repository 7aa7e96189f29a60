"""The single values in the registrations file, and the check of each."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Strict
from pydantic_core import PydanticCustomError

from asgi_bearer import is_scope_name
from demo.authorization_server.registrations.claims import STANDARD_SCOPES, claims_fault
from demo.authorization_server.registrations.passwords import hash_fault
from demo.authorization_server.registrations.redirect_uris import origin_fault, redirect_uri_fault

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

MIN_SECRET_CHARACTERS = 16
"""Of a client secret; a shorter one could be guessed."""

MAX_CHARACTERS = 255
"""Of a name or identifier; the limit of `sub` (OpenID Connect Core §2)."""

MAX_LIFETIME = 86400
"""Seconds; the keys must stay published for as long."""


def fault(reason: str) -> PydanticCustomError:
    """Return the error for a value; the reason follows its place, as in "must be text"."""
    return PydanticCustomError("registration", "{reason}", {"reason": reason})


def _identifier(value: str) -> str:
    if not (value.isascii() and value.isprintable() and 0 < len(value) <= MAX_CHARACTERS):
        raise fault(f"must have 1 to {MAX_CHARACTERS} ASCII characters")
    if " " in value:
        raise fault("must not contain a space")
    return value


def _subject(value: str) -> str:
    if _identifier(value).lower().endswith(CLIENT_SUFFIX):
        # RFC 9700 §4.15: clients and users must not be confused.
        raise fault(
            f"must not end in {CLIENT_SUFFIX}, which marks tokens of clients without a user"
        )
    return value


def _name(value: str) -> str:
    if not (value.isprintable() and value.strip() and len(value) <= MAX_CHARACTERS):
        raise fault(f"must be one line of 1 to {MAX_CHARACTERS} characters")
    return value


def _secret(value: str) -> str:
    if not (value.isascii() and value.isprintable() and len(value) <= MAX_CHARACTERS):
        raise fault(f"must have at most {MAX_CHARACTERS} characters, all of them ASCII")
    if len(value) < MIN_SECRET_CHARACTERS:
        raise fault(f"must have at least {MIN_SECRET_CHARACTERS} characters")
    return value


def _scope(value: str) -> str:
    if not is_scope_name(value):
        raise fault('must be a scope name: ASCII without space, " and \\ (RFC 6749 §3.3)')
    if value in STANDARD_SCOPES:
        raise fault("must not be a scope of OpenID Connect")
    return value


def _response_type(value: object) -> frozenset[str]:
    names = value.split(" ") if isinstance(value, str) else []
    components = frozenset(names)
    if components not in RESPONSE_TYPES or len(names) != len(components):
        known = ", ".join(f'"{" ".join(sorted(known))}"' for known in RESPONSE_TYPES)
        raise fault(f"must be one of {known}")
    return components


def _without_fault(find: Callable[[Any], str | None]) -> AfterValidator:
    """Return a check that refuses a value if `find` returns a reason."""

    def check(value: object) -> object:
        if reason := find(value):
            raise fault(reason)
        return value

    return AfterValidator(check)


Identifier = Annotated[str, AfterValidator(_identifier)]
Subject = Annotated[str, AfterValidator(_subject)]
Name = Annotated[str, AfterValidator(_name)]
Secret = Annotated[str, AfterValidator(_secret)]
ScopeName = Annotated[str, AfterValidator(_scope)]
Scopes = Annotated[Mapping[ScopeName, Name], AfterValidator(MappingProxyType)]
Origin = Annotated[str, _without_fault(origin_fault)]
RedirectUri = Annotated[str, _without_fault(redirect_uri_fault)]
ResponseType = Annotated[frozenset[str], BeforeValidator(_response_type)]
Lifetime = Annotated[int, Strict(), Field(ge=1, le=MAX_LIFETIME)]
PasswordHash = Annotated[str, _without_fault(hash_fault)]
Claims = Annotated[Mapping[str, object], _without_fault(claims_fault)]
