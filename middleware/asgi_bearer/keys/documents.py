"""What a server answered -> JSON, read strictly and off the event loop where it is long.

The body decides, not the content type: key sets are served as `text/plain`, as
`application/octet-stream` and without any. One odd entry in a key set spoils none of the others.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

from asgi_bearer.errors import shown
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.keys.http import Document
from asgi_bearer.keys.jwk import MAX_KEYS, Unreadable

_LARGE: Final = 8 * 1024
"""Bytes; what most issuers publish. Reading more may take longer than others should wait."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{},:]', re.DOTALL)
"""Strings and punctuation. Possessive, so it is linear on hostile text as well."""

_KID: Final = re.compile(rb'"kid"\s*+:\s*+"([^"\\]{1,80})')
"""What looks like a key id in an entry that cannot be read."""

_Read = TypeVar("_Read")


async def read(document: Document, reader: Callable[[bytes], _Read]) -> _Read:
    """Return what `reader` makes of the body; a long one is read in a thread.

    Raises:
        ValueError: `reader` raised it; the message also says how the body was called.
    """
    body = (document.body or b"").removeprefix(_BYTE_ORDER_MARK)
    try:
        if len(body) <= _LARGE:
            return reader(body)
        return await asyncio.to_thread(reader, body)
    except ValueError as err:
        content_type = document.headers.get("content-type")
        called = (
            "no content-type" if content_type is None else f"content-type {shown(content_type)}"
        )
        raise ValueError(f"{err} ({called})") from None


def key_set_document(encoded: bytes) -> dict[str, object]:
    """Return the JWK Set in `encoded`; an entry that cannot be read is an `Unreadable` in it.

    Raises:
        ValueError: the document around the entries is not JSON with one reading.
    """
    try:
        return json_object(encoded)
    except ValueError:
        # What is no object at all is not worth the search, which is slower than the reading.
        spans = _entries(encoded) if encoded.lstrip()[:1] == b"{" else []
        if not spans:
            raise
    pieces: list[bytes] = []
    last = 0
    for start, end in spans:
        pieces += (encoded[last:start], b"null")
        last = end
    document = json_object(b"".join((*pieces, encoded[last:])))
    read_alone = [_alone(encoded[start:end]) for start, end in spans[:MAX_KEYS]]
    unread = [Unreadable("it was not looked at")] * (len(spans) - len(read_alone))
    document["keys"] = [*read_alone, *unread]
    return document


def _alone(entry: bytes) -> object:
    if entry[:1] != b"{":
        # No key, whatever it is.
        return None
    try:
        return json_object(entry)
    except ValueError as err:
        kid = _KID.search(entry)
        return Unreadable(str(err), kid[1].decode("utf-8", "replace") if kid else None)


def _entries(encoded: bytes) -> list[tuple[int, int]]:
    """Return where the entries of the array `keys` begin and end, without the space around them."""
    found: list[tuple[int, int]] = []
    depth, name, within, begins = 0, b"", False, 0
    for match in _TOKEN.finditer(encoded):
        token = match[0]
        if token in b"]}":
            if within and depth == 2:
                found.append((begins, match.start()))
                break
            depth -= 1
        elif token in b"[{":
            depth += 1
            if depth == 2 and token == b"[" and name == b'"keys"':
                within, begins = True, match.end()
        elif token == b",":
            if within and depth == 2:
                found.append((begins, match.start()))
                begins = match.end()
        elif depth == 1 and token != b":":
            name = token
    else:
        return []
    return [_stripped(encoded, start, end) for start, end in found if encoded[start:end].strip()]


def _stripped(encoded: bytes, start: int, end: int) -> tuple[int, int]:
    entry = encoded[start:end]
    return start + len(entry) - len(entry.lstrip()), end - (len(entry) - len(entry.rstrip()))
