"""base64url and JSON as tokens, key sets and metadata hold them: one reading only, and bounded.

Whatever two decoders could read differently is refused: stray bits, padding, duplicate names, NaN,
lone surrogates, deep nesting.
"""

import json
import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final, TypeGuard

MAX_NESTING: Final = 16
"""Objects and arrays inside one another; access tokens of the large issuers reach four."""

_STRING_OR_BRACKET: Final = r'(?s)"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{}]'
"""Possessive, and an unterminated string reaches to the end: linear on hostile text as well.
Compiled when it is needed, which it hardly ever is."""

_WHITE_SPACE: Final = " \t\n\r"
"""What RFC 8259 §2 allows around a value."""

_NOT_BASE64URL: Final = "a segment is not canonical base64url"

_TO_BASE64: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""What the other alphabet has becomes what no alphabet has."""

_PADDING: Final = (b"", b"===", b"==", b"=")
_LAST_CHARACTERS: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By the length of a segment modulo four. The last character of an incomplete group has bits that
belong to no byte: only one spelling has none of them set. No group has one character."""


def base64url_decode(segment: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2).

    Raises:
        ValueError: `segment` is anything that another encoder would have written differently.
    """
    try:
        encoded = segment.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(_NOT_BASE64URL) from None
    return base64url_decode_bytes(encoded)


def base64url_decode_bytes(encoded: bytes) -> bytes:
    """Decode canonical base64url without padding, in ASCII bytes (RFC 7515 §2).

    Raises:
        ValueError: as `base64url_decode`.
    """
    length, rest = len(encoded), len(encoded) % 4
    try:
        decoded = a2b_base64(encoded.translate(_TO_BASE64) + _PADDING[rest])
    except Base64Error:
        raise ValueError(_NOT_BASE64URL) from None
    # Characters of no alphabet are passed over by the decoder: then there are too few bytes.
    if len(decoded) != length * 3 // 4 or (rest and encoded[-1] not in _LAST_CHARACTERS[rest]):
        raise ValueError(_NOT_BASE64URL)
    return decoded


def json_object(encoded: bytes) -> dict[str, object]:
    """Decode a JSON object as I-JSON wants it (RFC 7493 §2): one reading only.

    Raises:
        ValueError: it is no JSON object in UTF-8, repeats a name, holds a number that is not
            finite or a lone surrogate, or nests deeper than `MAX_NESTING`.
    """
    try:
        text = encoded.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the JSON is not UTF-8") from None
    # Counting is cheap and settles nearly every token; only then the brackets are walked.
    if text.count("{") + text.count("[") > MAX_NESTING and _nests_too_deep(text):
        raise ValueError(f"the JSON nests deeper than {MAX_NESTING}")
    try:
        stripped = text.strip(_WHITE_SPACE)
        value, end = _JSON.raw_decode(stripped)
    except json.JSONDecodeError:
        raise ValueError("the JSON does not parse") from None
    except _Unclear:
        raise
    except ValueError:
        # Python converts no more than some thousands; its own words advise to have it do so.
        raise ValueError("the JSON holds a number of too many digits") from None
    if end != len(stripped):
        raise ValueError("the JSON is followed by something else")
    if not is_object(value):
        raise ValueError("the JSON is not an object")
    if "\\u" in text:
        try:
            json.dumps(value, ensure_ascii=False).encode("utf-8")
        except UnicodeEncodeError:
            raise ValueError("the JSON holds a lone surrogate") from None
    return value


def is_object(value: object) -> TypeGuard[dict[str, object]]:
    """Return whether decoded JSON is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[object]]:
    """Return whether decoded JSON is an array."""
    return isinstance(value, list)


def _nests_too_deep(text: str) -> bool:
    depth = 0
    for match in re.finditer(_STRING_OR_BRACKET, text):
        if match[0] in "{[":
            depth += 1
            if depth > MAX_NESTING:
                return True
        elif match[0] in "}]":
            depth -= 1
    return False


class _Unclear(ValueError):
    """JSON that two decoders could read differently."""


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Unclear("the JSON repeats a name")
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise _Unclear("the JSON holds a number that is not finite")
    return number


def _no_constant(literal: str) -> object:
    raise _Unclear(f"the JSON holds {literal}")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_float=_finite, parse_constant=_no_constant
)
