"""Compact JWS -> header, claims, signature: strict, bounded, and not yet trusted.

Whatever two parsers could read differently is refused here: duplicate names, stray base64 bits,
padding, NaN, lone surrogates, deep nesting. All of it happens before a key is looked up.
"""

import json
import math
import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple, TypeGuard

from asgi_bearer.errors import (
    AlgorithmNotAllowed,
    CriticalHeaderNotUnderstood,
    TokenMalformed,
    TokenTooLarge,
    TokenTypeNotAllowed,
    shown,
)

MAX_NESTING: Final = 16
"""Objects and arrays inside one another; access tokens of the large issuers reach four."""

_STRING_OR_BRACKET: Final = r'(?s)"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{}]'
"""Possessive, and an unterminated string reaches to the end: linear on hostile text as well.
Compiled when it is needed, which it hardly ever is."""

_WHITE_SPACE: Final = " \t\n\r"
"""What RFC 8259 §2 allows around a value."""

_NO_OBJECT: Final = "a segment is no JSON object"
_NOT_BASE64URL: Final = "a segment is not canonical base64url"

_TO_BASE64: Final = bytes.maketrans(b"-_+/=", b"+/!!!")
"""What the other alphabet has becomes what no alphabet has."""

_OBJECT_STARTS: Final = b"eICD"
"""What `{` and white space begin with: most junk shows by its first character."""

_PADDING: Final = (b"", b"===", b"==", b"=")
_LAST_CHARACTERS: Final = (b"", b"", b"AQgw", b"AEIMQUYcgkosw048")
"""By the length of a segment modulo four. The last character of an incomplete group has bits that
belong to no byte: only one spelling has none of them set. No group has one character."""


@dataclass(frozen=True, slots=True)
class Header:
    """A JOSE header.

    Arguments:
        members: all that it holds.
        alg: its `alg`; empty if that is no string, which `check_header` refuses.
        kid: its `kid`; None if that is no string, which `check_header` refuses.
    """

    members: Mapping[str, object]
    alg: str
    kid: str | None

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "Header":
        """Return the header that holds `members`."""
        alg, kid = members.get("alg"), members.get("kid")
        return cls(
            MappingProxyType(members),
            alg if isinstance(alg, str) else "",
            kid if isinstance(kid, str) else None,
        )


@dataclass(slots=True)
class CompactJWS:
    """A token taken apart; nothing of it is verified yet.

    Arguments:
        header: the JOSE header.
        claims: the payload.
        signing_input: the bytes that were signed (RFC 7515 §5.2).
        signature: the decoded signature.
    """

    header: Header
    claims: dict[str, object] = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


class Segments(NamedTuple):
    """The three segments of a token, none of them decoded, and the text that was signed."""

    header: bytes
    claims: bytes
    signature: bytes
    signing_input: bytes

    def __repr__(self) -> str:
        return "Segments(...)"


def parse(token: str, *, max_bytes: int) -> CompactJWS:
    """Take `token` apart (RFC 7515 §5.2, RFC 7519 §7.2).

    Raises:
        TokenTooLarge: it is longer than `max_bytes`; nothing was decoded.
        TokenMalformed: it is not three segments of canonical base64url with a JSON object in
            each of the first two.
    """
    segments = segments_of(token, max_bytes=max_bytes)
    return decoded(segments, Header.of(decoded_object(segments.header)))


def segments_of(token: str, *, max_bytes: int) -> Segments:
    """Return the segments of `token`.

    Raises:
        TokenTooLarge: it is longer than `max_bytes`.
        TokenMalformed: it is not three segments.
    """
    if len(token) > max_bytes:
        raise TokenTooLarge(f"token of {len(token)} bytes, at most {max_bytes} are read")
    try:
        encoded = token.encode("ascii")
    except UnicodeEncodeError:
        raise TokenMalformed("the token is not ASCII") from None
    if encoded[:1] not in _OBJECT_STARTS:
        raise TokenMalformed(_NO_OBJECT)
    signing_input, _, signature = encoded.rpartition(b".")
    header, dot, claims = signing_input.partition(b".")
    if not dot or b"." in claims:
        raise TokenMalformed("not three segments")
    return Segments(header, claims, signature, signing_input)


def decoded_object(segment: bytes) -> dict[str, object]:
    """Return the JSON object in a segment.

    Raises:
        TokenMalformed: it is not one, or not canonical base64url.
    """
    if segment[:1] not in _OBJECT_STARTS:
        raise TokenMalformed(_NO_OBJECT)
    try:
        return json_object(_decoded(segment))
    except ValueError as err:
        # Not chained: some decoding errors carry the text that they failed on.
        raise TokenMalformed(str(err)) from None


def decoded(segments: Segments, header: Header) -> CompactJWS:
    """Return the token whose first segment has been decoded into `header`.

    Raises:
        TokenMalformed: the other two cannot be decoded, or there is no signature.
    """
    if not segments.signature:
        raise TokenMalformed("the signature is empty")
    claims = decoded_object(segments.claims)
    try:
        signature = _decoded(segments.signature)
    except ValueError as err:
        raise TokenMalformed(str(err)) from None
    return CompactJWS(header, claims, segments.signing_input, signature)


def check_header(
    header: Header, *, algorithms: Collection[str], types: Collection[str | None]
) -> None:
    """Check what the JOSE header claims to be, before any key is looked up.

    Arguments:
        algorithms: the allowed `alg` values, compared with case (RFC 8725 §3.1).
        types: the allowed `typ` values in lower case without `application/`; None in it allows a
            token without `typ`.

    Raises:
        TokenMalformed: `kid` is there and no string.
        AlgorithmNotAllowed: `alg` is missing or not in `algorithms`.
        CriticalHeaderNotUnderstood: `crit` is there, whatever it holds (RFC 7515 §4.1.11), or
            `b64`, which only works together with it (RFC 7797 §6).
        TokenTypeNotAllowed: `typ` is not in `types`.
    """
    members = header.members
    if header.alg not in algorithms:
        raise AlgorithmNotAllowed(f"alg is {shown(members.get('alg'))}")
    if "crit" in members or "b64" in members:
        raise CriticalHeaderNotUnderstood("the header has crit or b64")
    if "kid" in members and header.kid is None:
        raise TokenMalformed(f"kid is {shown(members['kid'])}, not a string")
    if "typ" not in members:
        media_type: object = None
    else:
        typ = members["typ"]
        # A missing typ and `"typ": null` are not the same thing.
        media_type = typ.lower().removeprefix("application/") if isinstance(typ, str) else typ
        if media_type is None:
            raise TokenTypeNotAllowed("typ is null")
    if not isinstance(media_type, str | None) or media_type not in types:
        raise TokenTypeNotAllowed(f"typ is {shown(members.get('typ'))}")


def base64url_decode(segment: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2).

    Raises:
        ValueError: `segment` is anything that another encoder would have written differently.
    """
    try:
        encoded = segment.encode("ascii")
    except UnicodeEncodeError:
        raise ValueError(_NOT_BASE64URL) from None
    return _decoded(encoded)


def _decoded(encoded: bytes) -> bytes:
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


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("the JSON repeats a name")
    return members


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError("the JSON holds a number that is not finite")
    return number


def _no_constant(literal: str) -> object:
    raise ValueError(f"the JSON holds {literal}")


_JSON = json.JSONDecoder(
    object_pairs_hook=_unique_names, parse_float=_finite, parse_constant=_no_constant
)
