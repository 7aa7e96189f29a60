"""Decodes the parameters of a query or a form body, strictly.

Percent-encoding must be complete, and text must be UTF-8 without control characters. A parameter
that is sent twice has no value, so that no two readers can choose different ones.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request

from resource_api.web.bodies import BodyTooLarge, bounded

MAX_BYTES = 16 * 1024
"""A usual request has some hundred bytes. The limit keeps strangers from filling the memory."""

BODY_SECONDS = 10.0
"""Seconds in which a body must arrive."""

FORM = "application/x-www-form-urlencoded"

_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class ParametersUnreadable(Exception):
    """The request is too long, or not a form; the message is shown to the person or client."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """The decoded parameters; an empty value counts as absent (RFC 6749 §3.1).

    Arguments:
        values: the parameters that were sent once, with a valid value.
        repeated: the names that were sent more than once.
        malformed: the names whose value cannot be decoded; "" if a name cannot be decoded.
    """

    values: Mapping[str, str]
    repeated: frozenset[str]
    malformed: frozenset[str]


def parameters(encoded: bytes) -> Parameters:
    """Decode `application/x-www-form-urlencoded` bytes.

    Raises ParametersUnreadable for more than `MAX_BYTES`.
    """
    if len(encoded) > MAX_BYTES:
        raise ParametersUnreadable(f"The request is longer than {MAX_BYTES} bytes.")
    seen: set[str] = set()
    repeated: set[str] = set()
    malformed: set[str] = set()
    values: dict[str, str] = {}
    for pair in encoded.split(b"&"):
        if not pair:
            continue
        raw_name, _, raw_value = pair.partition(b"=")
        name = _decoded(raw_name) or ""
        value = _decoded(raw_value)
        if name in seen:
            repeated.add(name)
        seen.add(name)
        if not name or value is None:
            malformed.add(name)
        else:
            values[name] = value
    accepted = {
        name: value
        for name, value in values.items()
        if value and name not in repeated and name not in malformed
    }
    return Parameters(accepted, frozenset(repeated), frozenset(malformed))


async def form_parameters(request: Request) -> Parameters:
    """Read the parameters of a form that a browser posted.

    Raises ParametersUnreadable for another content type, and if `whole_body` refuses the body.
    """
    if media_type(request) != FORM:
        raise ParametersUnreadable("The request is not an HTML form.")
    return parameters(await whole_body(request))


async def sent_parameters(request: Request) -> Parameters:
    """Read the parameters of a GET request, or of a POST request.

    Raises ParametersUnreadable, also if a POST request has a query.
    """
    if request.method != "POST":
        return query_parameters(request)
    if request.scope["query_string"]:
        raise ParametersUnreadable(
            "The request has parameters both in its address and in its form."
        )
    return await form_parameters(request)


async def whole_body(request: Request) -> bytes:
    """Read a body to its end.

    Raises ParametersUnreadable for more than `MAX_BYTES`, and if the end does not arrive in time.
    """
    try:
        return await bounded(request.stream(), max_bytes=MAX_BYTES, seconds=BODY_SECONDS)
    except BodyTooLarge:
        raise ParametersUnreadable(f"The body is longer than {MAX_BYTES} bytes.") from None
    except (TimeoutError, ClientDisconnect):
        raise ParametersUnreadable("The body did not arrive completely, or not in time.") from None


def media_type(request: Request) -> str:
    """Return the content type without its parameters; "" if there is none or more than one."""
    types = request.headers.getlist("content-type")
    return types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""


def query_parameters(request: Request) -> Parameters:
    """Read the parameters of the query.

    Raises ParametersUnreadable for more than `MAX_BYTES`.
    """
    return parameters(request.scope["query_string"])


def _decoded(raw: bytes) -> str | None:
    if _BROKEN_PERCENT.search(raw):
        return None
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if _CONTROL.search(text) else text
