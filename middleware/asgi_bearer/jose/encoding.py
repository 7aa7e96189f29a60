"""Strict decoding of base64url and JSON in tokens, key sets and metadata.

Input that two decoders could read differently is refused: stray bits, padding, duplicate names,
NaN, lone surrogates. Deep nesting is refused too.
"""

import json
import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final, TypeGuard

MAX_NESTING: Final = 16
"""Levels of objects and arrays. Access tokens of the large issuers have four."""

_STRING_OR_BRACKET: Final = r'(?s)"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{}]'
"""Possessive, and an unterminated string matches to the end, so matching takes linear time on
hostile text. It is compiled on first use, because it is rarely needed."""

_WHITE_SPACE: Final = " \t\n\r"
"""White space of JSON (RFC 8259 §2)."""

_NOT_BASE64URL: Final = "a segment is not canonical base64url"

_TO_BASE64: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""Translates base64url to base64; other characters of base64 become `!`, which is invalid."""

_PADDING: Final = (b"", b"===", b"==", b"=")
_LAST_CHARACTERS: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""Indexed by the length of a segment modulo four. The last character of an incomplete group has
unused bits, which must be zero. A group never has one character."""


def base64url_decode(segment: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2).

    Raises:
        ValueError: `segment` is not canonical base64url.
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
    # The decoder skips invalid characters, so the result has too few bytes.
    if len(decoded) != length * 3 // 4 or (rest and encoded[-1] not in _LAST_CHARACTERS[rest]):
        raise ValueError(_NOT_BASE64URL)
    return decoded


def json_object(encoded: bytes) -> dict[str, object]:
    """Decode a JSON object in I-JSON (RFC 7493 §2).

    Raises:
        ValueError: it is not a JSON object in UTF-8, repeats a name, holds a number that is not
            finite or a lone surrogate, or nests deeper than `MAX_NESTING`.
    """
    try:
        text = encoded.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("the JSON is not UTF-8") from None
    # Counting brackets is cheap and enough for nearly every token.
    if text.count("{") + text.count("[") > MAX_NESTING and _nests_too_deep(text):
        raise ValueError(f"the JSON nests deeper than {MAX_NESTING}")
    try:
        stripped = text.strip(_WHITE_SPACE)
        value, end = _JSON.raw_decode(stripped)
    except json.JSONDecodeError:
        raise ValueError("the JSON does not parse") from None
    except _AmbiguousJSON:
        raise
    except ValueError:
        # Python's limit for digits. Its message advises to raise the limit, so it is replaced.
        raise ValueError("the JSON holds a number with too many digits") from None
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


class _AmbiguousJSON(ValueError):
    """JSON that two decoders could read differently."""


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _AmbiguousJSON("the JSON repeats a name")
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise _AmbiguousJSON("the JSON holds a number that is not finite")
    return number


def _no_constant(literal: str) -> object:
    raise _AmbiguousJSON(f"the JSON holds {literal}")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_float=_finite, parse_constant=_no_constant
)
