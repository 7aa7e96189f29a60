"""Entity tags of contacts; the conditions If-Match and If-None-Match (RFC 9110 §8.8.3, §13.1)."""

import re

from starlette.requests import Request

from resource_api.contacts.model import StoredContact
from resource_api.web.problems import Problem

MAX_TAGS = 100
"""Entity tags in one condition. Each becomes a parameter of an SQL statement."""

MAX_VERSION = 2**31 - 1
"""The largest number that the database column can hold. A statement with a larger one fails."""

_TAG = re.compile(r'((?:W/)?"[\x21\x23-\x7e\x80-\xff]*")(?:[ \t]*,[ \t,]*|\Z)')
_VERSION = re.compile(r'"([1-9][0-9]{0,9})"', re.ASCII)


def etag(contact: StoredContact) -> str:
    """Return the strong entity tag of a contact."""
    return f'"{contact.version}"'


def required_versions(request: Request) -> frozenset[int] | None:
    """Return the versions that If-Match accepts, or None if it accepts every version.

    If-Match compares strongly, so weak tags name no version. Raises `Problem` (400) for a header
    that is not a list of entity tags, because ignoring the condition could lose a change.
    """
    condition = _condition(request, "if-match")
    if condition is None or condition == "*":
        return None
    tags = _tags(condition)
    if tags is None or len(tags) > MAX_TAGS:
        raise Problem(400, f"If-Match must be * or up to {MAX_TAGS} entity tags in double quotes.")
    versions = (int(match[1]) for tag in tags if (match := _VERSION.fullmatch(tag)))
    return frozenset(version for version in versions if version <= MAX_VERSION)


def matches_if_none_match(request: Request, contact: StoredContact) -> bool:
    """Return whether If-None-Match names the contact's tag: the caller has this version already."""
    condition = _condition(request, "if-none-match")
    if condition is None or condition == "*":
        return condition == "*"
    # If-None-Match compares weakly. Ignoring a malformed one costs only a transfer.
    return etag(contact) in {tag.removeprefix("W/") for tag in _tags(condition) or ()}


def _condition(request: Request, name: str) -> str | None:
    lines = request.headers.getlist(name)
    return ", ".join(lines).strip(" \t") if lines else None


def _tags(text: str) -> list[str] | None:
    tags: list[str] = []
    text = text.strip(" \t,")
    position = 0
    while position < len(text):
        match = _TAG.match(text, position)
        if match is None:
            return None
        tags.append(match[1])
        position = match.end()
    return tags or None
