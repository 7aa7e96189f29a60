"""Paging: the parameters `limit` and `cursor` of a request, and the cursor of the next page.

A cursor holds the identifier of the last contact on a page, so it stays valid while contacts are
added or deleted. It is neither secret nor trusted: the owner always comes from the access token.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from uuid import UUID

from starlette.datastructures import QueryParams

from resource_api.contacts.model import parse_contact_id
from resource_api.web.problems import Problem

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

_NUMBER = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for at most `limit` contacts after the contact `after`; None: from the first."""

    limit: int
    after: UUID | None


def page_request(query: QueryParams) -> PageRequest:
    """Read `limit` and `cursor`; raises `Problem` (400) if one is invalid or sent twice."""
    return PageRequest(limit=_limit(query.getlist("limit")), after=_after(query.getlist("cursor")))


def _limit(values: list[str]) -> int:
    if not values:
        return DEFAULT_LIMIT
    if len(values) == 1 and _NUMBER.fullmatch(values[0]) and int(values[0]) <= MAX_LIMIT:
        return int(values[0])
    raise Problem(400, f"The parameter limit must be one whole number from 1 to {MAX_LIMIT}.")


def _after(values: list[str]) -> UUID | None:
    if not values:
        return None
    after = _decoded(values[0]) if len(values) == 1 else None
    if after is None:
        raise Problem(400, "The parameter cursor must be one next_cursor of an earlier answer.")
    return after


def cursor(identifier: UUID) -> str:
    """Return the opaque cursor for the page after this contact."""
    return base64.urlsafe_b64encode(identifier.bytes).rstrip(b"=").decode("ascii")


def _decoded(text: str) -> UUID | None:
    try:
        identifier = UUID(bytes=base64.b64decode(text.encode() + b"==", b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
    # Each cursor has one spelling, and holds a version 7 UUID.
    if cursor(identifier) != text or parse_contact_id(str(identifier)) is None:
        return None
    return identifier
