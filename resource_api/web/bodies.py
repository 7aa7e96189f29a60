"""Request bodies: limited in size and time, strict JSON (RFC 8259, RFC 7493), a pydantic model.

The checks come in the order of the statuses 415, 413 or 408, 400, 422.
"""

import asyncio
import re
from collections.abc import AsyncIterable, Sequence
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json
from starlette.requests import ClientDisconnect, Request

from asgi_bearer.jose import is_object, json_object
from resource_api.web.problems import Problem

MAX_BODY = 64 * 1024
"""Bytes."""

MAX_DISCARDED = 1024 * 1024
"""Bytes. A body that is too large is still read up to this size and dropped: if the server closed
with unread bytes, it would reset the connection, and the client might not see the answer."""

BODY_SECONDS = 10.0
"""How long a body may take to arrive."""

MAX_FAULTS = 50
"""Faults that an answer lists. The rest is only counted."""

_JSON = re.compile(
    r"""application/json [ \t]* (?: ; [ \t]* charset = (?: utf-8 | "utf-8" ) [ \t]* )?""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
_NOT_JSON = "The body must be valid JSON in UTF-8 and name each member once."
_DETAILS = {
    "extra_forbidden": "The API does not know this member.",
    "model_type": "An object is expected.",
}
_TOO_LARGE = f"The body is larger than {MAX_BODY} bytes."

Model = TypeVar("Model", bound=BaseModel)


async def read_model(
    request: Request, model: type[Model], *, seconds: float = BODY_SECONDS
) -> Model:
    """Read the body of a request as a `model`.

    Raises `Problem` with 415, 413, 408, 400, or 422, which lists the faults.
    """
    _check_media_type(request)
    content = _strict_json(await read_body(request, seconds=seconds))
    try:
        return model.model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        raise _invalid(faults) from None  # the cause would quote the body


def _check_media_type(request: Request) -> None:
    types = request.headers.getlist("content-type")
    if len(types) != 1 or not _JSON.fullmatch(types[0].strip(" \t")):
        raise Problem(
            415,
            "The body must have the content type application/json.",
            headers={"Accept": "application/json"},
        )
    encodings = request.headers.getlist("content-encoding")
    if any(encoding.strip(" \t").lower() != "identity" for encoding in encodings):
        raise Problem(
            415, "The body must not be compressed.", headers={"Accept-Encoding": "identity"}
        )


class BodyTooLarge(ValueError):
    """A body is larger than its limit; `read_to_end` tells whether it was read to its end."""

    def __init__(self, max_bytes: int, *, read_to_end: bool) -> None:
        super().__init__(f"The body is larger than {max_bytes} bytes.")
        self.read_to_end = read_to_end


async def bounded(
    chunks: AsyncIterable[bytes], *, max_bytes: int, max_read: int = 0, seconds: float | None = None
) -> bytes:
    """Join the chunks of a body, from a client's request or from a server's response.

    Arguments:
        max_bytes: how large the body may be.
        max_read: up to this size, a body that is too large is read to its end and dropped.
        seconds: how long the body may take to arrive; without a limit by default.

    Raises:
        BodyTooLarge: the body has more than `max_bytes`.
        TimeoutError: the body did not arrive within `seconds`.
    """
    body = bytearray()
    size = 0
    async with asyncio.timeout(seconds):
        async for chunk in chunks:
            size += len(chunk)
            if size <= max_bytes:
                body += chunk
            elif size > max_read:
                raise BodyTooLarge(max_bytes, read_to_end=False)
    if size > max_bytes:
        raise BodyTooLarge(max_bytes, read_to_end=True)
    return bytes(body)


async def read_body(request: Request, *, seconds: float = BODY_SECONDS) -> bytes:
    """Read the whole body of a request: at most `MAX_BODY` bytes, within `seconds`.

    Raises `Problem` with 413, 408 or 400.
    """
    close = {"Connection": "close"}
    declared = _declared_size(request.headers.get("content-length", ""))
    # A client that sends Expect waits to be asked for the body.
    is_unsent = "expect" in request.headers
    if declared > MAX_DISCARDED or (declared > MAX_BODY and is_unsent):
        raise Problem(413, _TOO_LARGE, headers=close)
    try:
        return await bounded(
            request.stream(), max_bytes=MAX_BODY, max_read=MAX_DISCARDED, seconds=seconds
        )
    except BodyTooLarge as error:
        raise Problem(413, _TOO_LARGE, headers=None if error.read_to_end else close) from None
    except TimeoutError:
        raise Problem(408, "The body did not arrive in time.", headers=close) from None
    except ClientDisconnect:
        raise Problem(400, "The body ended too early.", headers=close) from None


def _declared_size(content_length: str) -> int:
    # The server checks the field. Here it only avoids reading a body that is too large.
    if not (content_length.isascii() and content_length.isdigit()):
        return 0
    # 19 digits are more than enough, and int() refuses thousands of them.
    return int(content_length.lstrip("0")[:19] or "0")


def _strict_json(body: bytes) -> object:
    try:
        return json_object(body)
    except ValueError:
        return _other_value(body)


def _other_value(body: bytes) -> object:
    """Return a JSON value that is not an object; the model refuses it with 422."""
    try:
        value: object = from_json(body, allow_inf_nan=False)
    except ValueError:
        raise Problem(400, _NOT_JSON) from None
    if is_object(value):
        # An object that is not strict JSON, for example because it names a member twice.
        raise Problem(400, _NOT_JSON)
    return value


def _invalid(faults: Sequence[ErrorDetails]) -> Problem:
    count = len(faults)
    listed = f" ({count} in all; the first {MAX_FAULTS} are listed)" if count > MAX_FAULTS else ""
    sentence = f"Members of the body are missing or invalid{listed}."
    return Problem(422, sentence, errors=[_fault(fault) for fault in faults[:MAX_FAULTS]])


def _fault(error: ErrorDetails) -> dict[str, str]:
    segments = (str(part).replace("~", "~0").replace("/", "~1") for part in error["loc"])
    detail = _DETAILS.get(error["type"], error["msg"])
    return {
        "pointer": "".join(f"/{segment}" for segment in segments),
        "detail": detail.removesuffix(".") + ".",
    }
