"""The parameters of a browser's request, decoded strictly, from a query or from a form body.

Strictly: percent-encoding must be whole, text must be UTF-8 without control characters. What is
sent twice has no value at all, so that no two readers can take different ones for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.requests import ClientDisconnect, Request

from resource_api.web.bodies import BodyTooLarge, bounded

MAX_BYTES = 16 * 1024
"""A request has some hundred bytes; the limit bounds what a stranger can make us hold."""

BODY_SECONDS = 10.0
"""How long a body may take to arrive."""

FORM = "application/x-www-form-urlencoded"

_BROKEN_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class ParametersUnreadable(Exception):
    """There are no parameters to judge: too long, or not a form; the message is for the person."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What was sent; an empty value counts as absent (RFC 6749 §3.1).

    Arguments:
        values: those that were sent once, with a proper value.
        repeated: the names of those that were sent more than once.
        malformed: the names of those that cannot be decoded, and "" where a name cannot be.
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
    kept = {
        name: value
        for name, value in values.items()
        if value and name not in repeated and name not in malformed
    }
    return Parameters(kept, frozenset(repeated), frozenset(malformed))


async def form_parameters(request: Request) -> Parameters:
    """Read the parameters of a form that a browser posted.

    Raises ParametersUnreadable for another content type, and for what `whole_body` refuses.
    """
    if media_type(request) != FORM:
        raise ParametersUnreadable("What was sent is not an HTML form.")
    return parameters(await whole_body(request))


async def sent_parameters(request: Request) -> Parameters:
    """Read the parameters of a request that may come as GET or as POST.

    Raises ParametersUnreadable, also for one that comes in both ways at once.
    """
    if request.method != "POST":
        return query_parameters(request)
    if request.scope["query_string"]:
        raise ParametersUnreadable("The request is in part in the address, in part in the form.")
    return await form_parameters(request)


async def whole_body(request: Request) -> bytes:
    """Read a body to its end.

    Raises ParametersUnreadable for more than `MAX_BYTES`, and where the end does not come.
    """
    try:
        return await bounded(request.stream(), max_bytes=MAX_BYTES, seconds=BODY_SECONDS)
    except BodyTooLarge:
        raise ParametersUnreadable(f"The body is longer than {MAX_BYTES} bytes.") from None
    except (TimeoutError, ClientDisconnect):
        raise ParametersUnreadable("The body did not arrive in time, or not whole.") from None


def media_type(request: Request) -> str:
    """Return the type of the body, without its parameters; "" for none, and for more than one."""
    types = request.headers.getlist("content-type")
    return types[0].partition(";")[0].strip().lower() if len(types) == 1 else ""


def query_parameters(request: Request) -> Parameters:
    """Read the parameters of the query, from its bytes as they were sent.

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
