"""What a contact is, and what its owner may write into one."""

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
"""Characters. OpenID Connect Core §2 allows a `sub` no more than 255."""

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


def _address(text: str) -> str:
    # Only a mail server knows which addresses exist; this catches what is certainly none.
    local, _, domain = text.rpartition("@")
    if text and (not local or not domain or "@" in local or any(map(str.isspace, text))):
        raise PydanticCustomError("email", "An e-mail address has the form name@domain.")
    return text


def _absent_if_empty(text: str) -> str | None:
    return text or None


class ContactFields(BaseModel):
    """The members of a contact that its owner writes; everything else in a body is a fault."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, str_strip_whitespace=True, title="ContactFields"
    )

    name: Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_one_line)]
    email: (
        Annotated[
            str,
            StringConstraints(max_length=254),
            AfterValidator(_one_line),
            AfterValidator(_address),
            AfterValidator(_absent_if_empty),
        ]
        | None
    ) = None
    phone: (
        Annotated[
            str,
            StringConstraints(max_length=50),
            AfterValidator(_one_line),
            AfterValidator(_absent_if_empty),
        ]
        | None
    ) = None
    note: (
        Annotated[
            str,
            StringConstraints(max_length=4000),
            AfterValidator(_several_lines),
            AfterValidator(_absent_if_empty),
        ]
        | None
    ) = None


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose contacts: a subject means something only together with its issuer."""

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
    """A stored contact.

    `created` and `updated` are milliseconds since the epoch; `version` counts from 1 and grows
    with every change, so that it can stand as the strong entity tag of the representation.
    """

    id: UUID
    fields: ContactFields
    created: int
    updated: int
    version: int

    def representation(self) -> Contact:
        """The contact as the API's callers see it."""
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
    """A version 7 UUID: unguessable, and greater than those made before it (RFC 9562 §5.7)."""
    return uuid7()


def contact_id(text: str) -> UUID | None:
    """The identifier that `text` spells in the one form that the API writes; else None."""
    return UUID(text) if _IDENTIFIER.fullmatch(text) else None


def _timestamp(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def can_own(subject: str | None) -> bool:
    """Whether a token's subject can be stored whole and compared exactly.

    A longer one is refused, never cut: cut, it could become somebody else's.
    """
    return (
        subject is not None
        and 0 < len(subject) <= MAX_SUBJECT_LENGTH
        # A database cannot hold NUL in a text (PostgreSQL) or half a surrogate pair (any).
        and not any(unicodedata.category(character) in {"Cc", "Cs"} for character in subject)
    )
