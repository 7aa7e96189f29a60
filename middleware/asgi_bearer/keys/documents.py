"""Parses the metadata and key sets that a server sent; a large document is parsed in a thread.

The content type does not matter: servers send key sets as `text/plain`, as
`application/octet-stream` or without a type. If one entry of a key set cannot be parsed, the others
are used.
"""

import asyncio
import re
from collections.abc import Callable
from typing import Final, TypeVar

from asgi_bearer.errors import shown
from asgi_bearer.jose.encoding import json_object
from asgi_bearer.keys.http import Document
from asgi_bearer.keys.jwk import MAX_KEYS, UnreadableEntry

_MAX_BYTES_ON_EVENT_LOOP: Final = 8 * 1024
"""Most issuers publish less. Parsing more would block the event loop too long."""

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_WHITE_SPACE: Final = b" \t\n\r"

_TOKEN: Final = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)|[\[\]{},:]', re.DOTALL)
"""Strings and punctuation. Possessive, so matching takes linear time on hostile text."""

_KID: Final = re.compile(rb'"kid"\s*+:\s*+"([^"\\]{1,80})')
"""Text that looks like the key id, in an entry that cannot be parsed."""

_Parsed = TypeVar("_Parsed")


async def parsed(document: Document, parse: Callable[[bytes], _Parsed]) -> _Parsed:
    """Return the result of `parse` for the body. A large body is parsed in a thread.

    Raises:
        ValueError: `parse` raised it; the message also names the content type.
    """
    body = (document.body or b"").removeprefix(_BYTE_ORDER_MARK)
    try:
        if len(body) <= _MAX_BYTES_ON_EVENT_LOOP:
            return parse(body)
        return await asyncio.to_thread(parse, body)
    except ValueError as err:
        content_type = document.headers.get("content-type")
        named = "no content-type" if content_type is None else f"content-type {shown(content_type)}"
        raise ValueError(f"{err} ({named})") from None


def key_set_document(encoded: bytes) -> dict[str, object]:
    """Return the JWK Set in `encoded`. An entry that cannot be parsed becomes an `UnreadableEntry`.

    Raises:
        ValueError: the document around the entries is not strict JSON.
    """
    try:
        return json_object(encoded)
    except ValueError:
        # The search for entries is slow, and useless if this is not even an object.
        start, entries, end = _entries(encoded) if encoded.lstrip()[:1] == b"{" else (0, [], 0)
        if not any(entries):
            raise
    nulls = b",".join(b"null" if entry else b"" for entry in entries)
    document = json_object(encoded[:start] + nulls + encoded[end:])
    read = [_parsed_entry(entry) for entry in entries[:MAX_KEYS]]
    skipped = [UnreadableEntry("it was not read")] * (len(entries) - len(read))
    document["keys"] = [*read, *skipped]
    return document


def _parsed_entry(entry: bytes) -> object:
    if entry[:1] != b"{":
        return None  # not an object, so not a key
    try:
        return json_object(entry)
    except ValueError as err:
        kid = _KID.search(entry)
        return UnreadableEntry(str(err), kid[1].decode("utf-8", "replace") if kid else None)


def _entries(encoded: bytes) -> tuple[int, list[bytes], int]:
    """Return the entries of the array `keys`, after its start and before its end.

    There are none if the array does not end.
    """
    entries: list[bytes] = []
    depth, name, first, start = 0, b"", 0, 0
    for match in _TOKEN.finditer(encoded):
        token = match[0]
        if first and depth == 2 and token in b",]}":
            entries.append(encoded[start : match.start()].strip(_WHITE_SPACE))
            if token != b",":
                return first, entries, match.start()
            start = match.end()
        elif token in b"[{":
            depth += 1
            if depth == 2 and token == b"[" and name == b'"keys"':
                first = start = match.end()
        elif token in b"]}":
            depth -= 1
        elif depth == 1 and token not in b",:":
            name = token
    return 0, [], 0
