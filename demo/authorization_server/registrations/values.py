"""The single values in the registrations file, and the check of each."""

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from asgi_bearer import is_scope_name
from demo.authorization_server.registrations.model import CLIENT_SUFFIX, RESPONSE_TYPES
from demo.authorization_server.registrations.redirect_uris import origin_fault, redirect_uri_fault
from demo.authorization_server.registrations.scopes import STANDARD_SCOPES

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


def _redirect_uri(value: str) -> str:
    if reason := redirect_uri_fault(value):
        raise fault(reason)
    return value


def _origin(value: str) -> str:
    if reason := origin_fault(value):
        raise fault(reason)
    return value


def _response_type(value: object) -> frozenset[str]:
    names = value.split(" ") if isinstance(value, str) else []
    components = frozenset(names)
    if components not in RESPONSE_TYPES or len(names) != len(components):
        known = ", ".join(f'"{" ".join(sorted(known))}"' for known in RESPONSE_TYPES)
        raise fault(f"must be one of {known}")
    return components


Identifier = Annotated[str, AfterValidator(_identifier)]
Subject = Annotated[str, AfterValidator(_subject)]
Name = Annotated[str, AfterValidator(_name)]
Secret = Annotated[str, AfterValidator(_secret)]
ScopeName = Annotated[str, AfterValidator(_scope)]
Origin = Annotated[str, AfterValidator(_origin)]
RedirectUri = Annotated[str, AfterValidator(_redirect_uri)]
ResponseType = Annotated[frozenset[str], BeforeValidator(_response_type)]
Lifetime = Annotated[int, Field(ge=1, le=MAX_LIFETIME)]
