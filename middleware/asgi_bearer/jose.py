"""Compact JWS -> header, claims, signature: strict, bounded, and not yet trusted.

Whatever two parsers could read differently is refused here: duplicate names, stray base64 bits,
padding, NaN, lone surrogates, deep nesting. All of it happens before a key is looked up.
"""

import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeGuard

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

_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]+|\\.?)*+(?:"|\Z)|[\[\]{}]', re.DOTALL)
"""Possessive, and an unterminated string reaches to the end: linear on hostile text as well."""


@dataclass(frozen=True, slots=True)
class CompactJWS:
    """A token taken apart; nothing of it is verified yet.

    Arguments:
        header: the JOSE header.
        claims: the payload.
        signing_input: the bytes that were signed (RFC 7515 §5.2).
        signature: the decoded signature.
    """

    header: Mapping[str, object]
    claims: Mapping[str, object] = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)

    @property
    def alg(self) -> object:
        """The `alg` header; a string once `check_header` has passed."""
        return self.header.get("alg")

    @property
    def kid(self) -> object:
        """The `kid` header; a string or None once `check_header` has passed."""
        return self.header.get("kid")


def parse(token: str, *, max_bytes: int) -> CompactJWS:
    """Take `token` apart (RFC 7515 §5.2, RFC 7519 §7.2).

    Raises:
        TokenTooLarge: it is longer than `max_bytes`; nothing was decoded.
        TokenMalformed: it is not three segments of canonical base64url with a JSON object in
            each of the first two.
    """
    if len(token) > max_bytes:
        raise TokenTooLarge(f"token of {len(token)} bytes, at most {max_bytes} are read")
    segments = token.split(".")
    if len(segments) != 3:
        raise TokenMalformed(f"{len(segments)} segments instead of 3")
    try:
        header, claims, signature = (base64url_decode(segment) for segment in segments)
        if not signature:
            raise ValueError("the signature is empty")
        return CompactJWS(
            header=json_object(header),
            claims=json_object(claims),
            signing_input=token[: token.rindex(".")].encode("ascii"),
            signature=signature,
        )
    except ValueError as err:
        # Not chained: some decoding errors carry the text that they failed on.
        raise TokenMalformed(str(err)) from None


def check_header(
    header: Mapping[str, object], *, algorithms: Collection[str], types: Collection[str | None]
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
    alg = header.get("alg")
    if not isinstance(alg, str) or alg not in algorithms:
        raise AlgorithmNotAllowed(f"alg is {shown(alg)}")
    if "crit" in header or "b64" in header:
        raise CriticalHeaderNotUnderstood("the header has crit or b64")
    if "kid" in header and not isinstance(header["kid"], str):
        raise TokenMalformed(f"kid is {shown(header['kid'])}, not a string")
    if "typ" not in header:
        media_type: object = None
    else:
        typ = header["typ"]
        # A missing typ and `"typ": null` are not the same thing.
        media_type = typ.lower().removeprefix("application/") if isinstance(typ, str) else typ
        if media_type is None:
            raise TokenTypeNotAllowed("typ is null")
    if not isinstance(media_type, str | None) or media_type not in types:
        raise TokenTypeNotAllowed(f"typ is {shown(header.get('typ'))}")


def base64url_decode(segment: str) -> bytes:
    """Decode canonical base64url without padding (RFC 7515 §2).

    Raises:
        ValueError: `segment` is anything that another encoder would have written differently.
    """
    try:
        encoded = segment.encode("ascii")
        decoded = urlsafe_b64decode(encoded + b"=" * (-len(encoded) % 4))
    except (UnicodeEncodeError, Base64Error):
        raise ValueError("a segment is not base64url") from None
    # One comparison refuses padding, foreign characters, `+` and `/`, and stray low bits.
    if urlsafe_b64encode(decoded).rstrip(b"=") != encoded:
        raise ValueError("a segment is not canonical base64url")
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
    if _nests_too_deep(text):
        raise ValueError(f"the JSON nests deeper than {MAX_NESTING}")
    try:
        value: object = _JSON.decode(text)
    except json.JSONDecodeError:
        raise ValueError("the JSON does not parse") from None
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
    # Counting is cheap and settles nearly every token; only then the brackets are walked.
    if text.count("{") + text.count("[") <= MAX_NESTING:
        return False
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(text):
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
