"""Entity tags and the conditions on them (RFC 9110 §8.8.3, §13.1)."""

import re

from starlette.requests import Request

from resource_api.contacts.model import StoredContact
from resource_api.web.problems import Problem

MAX_TAGS = 100
"""Entity tags in one condition. Each becomes a parameter of a database statement."""

MAX_VERSION = 2**31 - 1
"""What the column of a database can hold; a statement that asks for more fails."""

_NEXT = re.compile(r'((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")(?:[ \t]*,[ \t,]*|\Z)')
_OURS = re.compile(r'"([1-9][0-9]{0,9})"', re.ASCII)


def etag(contact: StoredContact) -> str:
    """The strong entity tag of a contact's representation."""
    return f'"{contact.version}"'


def required_versions(request: Request) -> frozenset[int] | None:
    """The versions that If-Match accepts; None if any will do.

    Weak tags are never among them (strong comparison). Raises `Problem` (400) for a header that
    is no list of entity tags: a condition that is not understood must not be ignored.
    """
    condition = _condition(request, "if-match")
    if condition is None or condition == "*":
        return None
    tags = _tags(condition)
    if tags is None or len(tags) > MAX_TAGS:
        raise Problem(400, f"If-Match takes * or up to {MAX_TAGS} entity tags in double quotes.")
    versions = (int(ours[1]) for tag in tags if (ours := _OURS.fullmatch(tag)))
    return frozenset(version for version in versions if version <= MAX_VERSION)


def is_known(request: Request, contact: StoredContact) -> bool:
    """Whether If-None-Match says that the caller holds this representation already."""
    condition = _condition(request, "if-none-match")
    if condition is None or condition == "*":
        return condition == "*"
    # Weak comparison; what is not understood is ignored, which costs one transfer only.
    return etag(contact) in {tag.removeprefix("W/") for tag in _tags(condition) or ()}


def _condition(request: Request, name: str) -> str | None:
    lines = request.headers.getlist(name)
    return ", ".join(lines).strip(" \t") if lines else None


def _tags(text: str) -> list[str] | None:
    tags: list[str] = []
    text = text.strip(" \t,")
    position = 0
    while position < len(text):
        found = _NEXT.match(text, position)
        if found is None:
            return None
        tags.append(found[1])
        position = found.end()
    return tags or None
