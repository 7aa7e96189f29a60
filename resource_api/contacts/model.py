"""What a contact is: its fields and their limits, its owner, its identifier, its JSON."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, with_config
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict
from uuid6 import uuid7

MAX_SUBJECT_LENGTH = 255
"""Characters. OpenID Connect Core §2 limits `sub` to 255."""

_LAYOUT = frozenset("\t\n\r")
_IDENTIFIER = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def _control_characters(text: str) -> set[str]:
    return {character for character in text if unicodedata.category(character) == "Cc"}


def _one_line(text: str) -> str:
    if _control_characters(text):
        raise PydanticCustomError("text", "Control characters are not allowed.")
    return text


def _several_lines(text: str) -> str:
    if _control_characters(text) - _LAYOUT:
        raise PydanticCustomError(
            "text", "Control characters other than tab and line breaks are not allowed."
        )
    return text


def _email(text: str) -> str:
    # Only a mail server knows which addresses exist. This refuses what cannot be one.
    local, _, domain = text.rpartition("@")
    if text and (not local or not domain or "@" in local or any(map(str.isspace, text))):
        raise PydanticCustomError("email", "An e-mail address has the form name@domain.")
    return text


def _absent_if_empty(text: str) -> str | None:
    return text or None


_ONE_LINE = AfterValidator(_one_line)
_LINES = AfterValidator(_several_lines)
_EMAIL = AfterValidator(_email)
_OPTIONAL = AfterValidator(_absent_if_empty)


class ContactFields(BaseModel):
    """The members of a contact that its owner writes. A body must have no other members."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, str_strip_whitespace=True, title="ContactFields"
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=200), _ONE_LINE]
    email: (
        Annotated[str, StringConstraints(max_length=254), _ONE_LINE, _EMAIL, _OPTIONAL] | None
    ) = None
    phone: Annotated[str, StringConstraints(max_length=50), _ONE_LINE, _OPTIONAL] | None = None
    note: Annotated[str, StringConstraints(max_length=4000), _LINES, _OPTIONAL] | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of contacts. A subject identifies an owner only together with its issuer."""

    issuer: str
    subject: str


@with_config(extra="forbid")
class Contact(TypedDict):
    """A contact as the API answers with it; times are in UTC."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    name: str
    email: str | None
    phone: str | None
    note: str | None
    created_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]
    updated_at: Annotated[str, Field(json_schema_extra={"format": "date-time"})]


@dataclass(frozen=True, slots=True)
class StoredContact:
    """A contact as the store keeps it.

    `created` and `updated` are milliseconds since the epoch. `version` starts at 1 and grows with
    every change, so it serves as the strong entity tag.
    """

    id: UUID
    fields: ContactFields
    created: int
    updated: int
    version: int

    def representation(self) -> Contact:
        """Return the contact as callers of the API see it."""
        return {
            "id": str(self.id),
            "name": self.fields.name,
            "email": self.fields.email,
            "phone": self.fields.phone,
            "note": self.fields.note,
            "created_at": _timestamp(self.created),
            "updated_at": _timestamp(self.updated),
        }


def new_contact_id() -> UUID:
    """Return a version 7 UUID (RFC 9562 §5.7): random, and greater than the ones before it."""
    return uuid7()


def parse_contact_id(text: str) -> UUID | None:
    """Return the identifier that `text` spells as the API writes it; None for anything else."""
    return UUID(text) if _IDENTIFIER.fullmatch(text) else None


def _timestamp(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def can_own(subject: str | None) -> bool:
    """Return whether the database can store this subject unchanged.

    A longer subject is refused, not cut: two subjects must never become the same owner.
    """
    return (
        subject is not None
        and 0 < len(subject) <= MAX_SUBJECT_LENGTH
        # PostgreSQL cannot store NUL in a text, and no database a lone surrogate.
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in subject)
    )
