"""Strict decoding of base64url and JSON in tokens, key sets and metadata.

Input that two decoders could read differently is refused: stray bits, padding, duplicate names,
NaN, lone surrogates. Deep nesting is refused too.
"""

import json
import math
import re
from binascii import Error as Base64Error
from typing import Any, Final, TypeGuard

import msgspec
from pybase64 import b64decode

MAX_NESTING: Final = 16
"""Levels of objects and arrays. Access tokens of the large issuers have four."""

_STRING_OR_BRACKET: Final = r'(?s)"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{}]'
"""Possessive, and an unterminated string matches to the end, so matching takes linear time on
hostile text. It is compiled on first use, because it is rarely needed."""

_WHITE_SPACE: Final = " \t\n\r"
"""White space of JSON (RFC 8259 §2)."""

_MAX_DIGITS: Final = 800
"""Of a fraction; reading more takes long. Python itself limits integers to 4300 digits."""

_NOT_BASE64URL: Final = "a segment is not canonical base64url"

_PADDING: Final = (b"", b"===", b"==", b"=")
_LAST_CHARACTERS: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""Indexed by the length of a segment modulo four. The last character of an incomplete group has
unused bits, which must be zero. A group never has one character."""

_PLUS, _SLASH = b"+/"

_Scalar = str | int | float | bool | None
_Shallow = _Scalar | list[_Scalar]
_Deeper = _Scalar | list[_Scalar | dict[str, _Shallow]] | dict[str, _Shallow]
_Claim = _Scalar | list[_Scalar | dict[str, _Deeper]] | dict[str, _Deeper]
"""The nesting that the compiled decoder accepts, which is more than that of most tokens."""

_decoder: Final[msgspec.json.Decoder[dict[str, Any]]] = msgspec.json.Decoder(dict[str, _Claim])
_encoder: Final = msgspec.json.Encoder()


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
    # The decoder accepts the standard alphabet as well. (Searching integers is faster than bytes.)
    if _PLUS in encoded or _SLASH in encoded:
        raise ValueError(_NOT_BASE64URL)
    try:
        decoded = b64decode(encoded + _PADDING[rest], b"-_", True)
    except Base64Error:
        raise ValueError(_NOT_BASE64URL) from None
    # It also accepts padding, which gives too few bytes, and stray bits.
    if len(decoded) != length * 3 // 4 or (rest and encoded[-1] not in _LAST_CHARACTERS[rest]):
        raise ValueError(_NOT_BASE64URL)
    return decoded


def verified_json_object(encoded: bytes) -> dict[str, object]:
    """Decode a JSON object as `json_object` does, faster if it is compact and nests little.

    Only for bytes that a key of the issuer signed, so that an attacker cannot choose what the
    compiled decoder reads. Its result is used only if it encodes to the same bytes again; such
    bytes repeat no name and cannot be read in two ways.

    Raises:
        ValueError: as `json_object`.
    """
    try:
        value: dict[str, object] = _decoder.decode(encoded)
        if _encoder.encode(value) == encoded:
            return value
    except (ValueError, OverflowError, RecursionError):
        pass
    return json_object(encoded)


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


def is_number(value: object) -> TypeGuard[float]:
    """Return whether decoded JSON is a number; True is an int in Python, but not in JSON."""
    return isinstance(value, int | float) and not isinstance(value, bool)


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
    if len(literal) > _MAX_DIGITS:
        raise _AmbiguousJSON("the JSON holds a number with too many digits")
    number = float(literal)
    if not math.isfinite(number):
        raise _AmbiguousJSON("the JSON holds a number that is not finite")
    return number


def _no_constant(literal: str) -> object:
    raise _AmbiguousJSON(f"the JSON holds {literal}")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_float=_finite, parse_constant=_no_constant
)
