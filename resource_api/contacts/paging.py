"""Pages of a list: `limit` and `cursor` of the request, the cursor of the next page.

A cursor names a position among the caller's own contacts (the identifier it comes after), so it
stays right whatever is written or deleted meanwhile. It is not a secret and not trusted: the
owner always comes from the token.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from uuid import UUID

from starlette.datastructures import QueryParams

from resource_api.contacts.model import contact_id
from resource_api.web.problems import Problem

DEFAULT_LIMIT = 50
MAX_LIMIT = 100

_NUMBER = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class PageRequest:
    """At most `limit` contacts, those `after` the one named, from the first if none is."""

    limit: int
    after: UUID | None


def page_request(query: QueryParams) -> PageRequest:
    """Reads `limit` and `cursor`; raises `Problem` (400) for anything that is not exactly one."""
    return PageRequest(limit=_limit(query.getlist("limit")), after=_after(query.getlist("cursor")))


def _limit(values: list[str]) -> int:
    if not values:
        return DEFAULT_LIMIT
    if len(values) == 1 and _NUMBER.fullmatch(values[0]) and int(values[0]) <= MAX_LIMIT:
        return int(values[0])
    raise Problem(400, f"The parameter limit takes one whole number from 1 to {MAX_LIMIT}.")


def _after(values: list[str]) -> UUID | None:
    if not values:
        return None
    after = _position(values[0]) if len(values) == 1 else None
    if after is None:
        raise Problem(400, "The parameter cursor takes one next_cursor of an earlier answer.")
    return after


def cursor(position: UUID) -> str:
    """The opaque text that stands for the place after `position`."""
    return base64.urlsafe_b64encode(position.bytes).rstrip(b"=").decode("ascii")


def _position(text: str) -> UUID | None:
    try:
        position = UUID(bytes=base64.b64decode(text.encode() + b"==", b"-_", validate=True))
    except (ValueError, binascii.Error):
        return None
    # One spelling each, and only what identifiers can be.
    return position if cursor(position) == text and contact_id(str(position)) else None
