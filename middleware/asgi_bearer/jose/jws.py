"""Parses a compact JWS into header, claims and signature, and checks the header and the size.

All of it happens before a key is looked up; nothing is verified yet.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from asgi_bearer.errors import (
    AlgorithmNotAllowed,
    CriticalHeaderNotUnderstood,
    InvalidTokenError,
    TokenEncrypted,
    TokenMalformed,
    TokenOpaque,
    TokenTooLarge,
    TokenTypeNotAllowed,
    shown,
)
from asgi_bearer.jose.encoding import base64url_decode_bytes, json_object

_NOT_AN_OBJECT: Final = "a segment is not a JSON object"
_ENCRYPTED: Final = "an encrypted token (JWE): its issuer must sign it, not encrypt it"
_MAX_COMMAS, _MAX_ESCAPES = 64, 512
"""In a header. Most have three members; a chain of certificates (`x5c`) has a few more."""

(_DOT,) = b"."
_OBJECT_STARTS: Final = b"eICD"
"""First characters of base64url for `{` and white space; most garbage begins with another one."""


@dataclass(frozen=True, slots=True)
class Header:
    """A JOSE header.

    Arguments:
        members: all of its members.
        alg: its `alg`; empty if that is not a string, which `check_header` refuses.
        kid: its `kid`; None if that is not a string, which `check_header` refuses.
    """

    members: Mapping[str, object]
    alg: str
    kid: str | None

    @classmethod
    def of(cls, members: Mapping[str, object]) -> "Header":
        """Return the header with these `members`."""
        alg, kid = members.get("alg"), members.get("kid")
        return cls(
            MappingProxyType(members),
            alg if isinstance(alg, str) else "",
            kid if isinstance(kid, str) else None,
        )


@dataclass(slots=True)
class SplitJWS:
    """A token in its parts; nothing of it is verified yet.

    Arguments:
        header: the JOSE header.
        payload: the second segment, not decoded.
        signing_input: the bytes that were signed (RFC 7515 §5.2).
        signature: the decoded signature.
    """

    header: Header
    payload: bytes = field(repr=False)
    signing_input: bytes = field(repr=False)
    signature: bytes = field(repr=False)


@dataclass(slots=True)
class CompactJWS(SplitJWS):
    """A parsed token; nothing of it is verified yet.

    Arguments:
        claims: the decoded payload.
    """

    claims: dict[str, object] = field(repr=False)


def parse(token: str, *, max_bytes: int) -> CompactJWS:
    """Parse `token` (RFC 7515 §5.2, RFC 7519 §7.2).

    Raises:
        TokenTooLarge: it is longer than `max_bytes`; nothing was decoded.
        TokenMalformed: it does not have three segments of canonical base64url, or one of the
            first two is not a JSON object.
    """
    encoded = token.encode("utf-8", "surrogatepass")
    jws = split(encoded, decoded_header, max_bytes=max_bytes)
    claims = decoded_object(jws.payload)
    return CompactJWS(jws.header, jws.payload, jws.signing_input, jws.signature, claims)


def split(token: bytes, header_of: Callable[[bytes], Header], *, max_bytes: int) -> SplitJWS:
    """Return the parts of `token`, without decoding the payload.

    Arguments:
        header_of: decodes the first segment.

    Raises:
        TokenTooLarge: it is longer than `max_bytes`.
        TokenOpaque: it is not a JWT: it has one segment, or neither three segments nor a header.
        TokenEncrypted: it has five segments, as a JWE has (RFC 7516 §7.1).
        TokenMalformed: it has another number of segments, or its signature is empty or not
            canonical base64url.
    """
    if len(token) > max_bytes:
        raise TokenTooLarge(f"the token has {len(token)} bytes, at most {max_bytes} are allowed")
    signing_input, _, signature = token.rpartition(b".")
    header, dot, payload = signing_input.partition(b".")
    if not dot or _DOT in payload:
        raise _segment_refusal(token)
    jws_header = header_of(header)
    if not signature:
        raise TokenMalformed("the signature is empty")
    return SplitJWS(jws_header, payload, signing_input, decoded_segment(signature))


def decoded_segment(segment: bytes) -> bytes:
    """Return the decoded bytes of a segment.

    Raises:
        TokenMalformed: it is not canonical base64url.
    """
    try:
        return base64url_decode_bytes(segment)
    except ValueError as err:
        reason = str(err)
    # Raised outside of the except block: the decoding error may hold a part of the token.
    raise TokenMalformed(reason)


def _segment_refusal(token: bytes) -> InvalidTokenError:
    dots = token.count(b".")
    # Google's opaque tokens have one dot. A JWT that was cut still begins with its header.
    is_jwt = dots > 0 and token[:1] in _OBJECT_STARTS
    if not is_jwt and token[:1] not in (b"", b".", b"{"):
        return TokenOpaque(f"an opaque token (dots: {dots}): only a JWT can be verified")
    if dots == 4 and _is_encrypted(token.partition(b".")[0]):
        return TokenEncrypted(_ENCRYPTED)
    return TokenMalformed(f"{dots + 1} segments, but a signed JWT has three")


def _is_encrypted(header: bytes) -> bool:
    try:
        return "enc" in decoded_header(header).members
    except TokenMalformed:
        return False


def decoded_header(segment: bytes) -> Header:
    """Return the JOSE header in the first segment.

    Raises:
        TokenMalformed: it is not canonical base64url of a JSON object, or has very many members.
    """
    return Header.of(decoded_object(segment, _read_header))


def _read_header(encoded: bytes) -> dict[str, object]:
    # Anybody may have written the header, so it must not take long to decode.
    if encoded.count(b",") > _MAX_COMMAS or encoded.count(b"\\") > _MAX_ESCAPES:
        raise ValueError("the header has too many members or escapes")
    return json_object(encoded)


def decoded_object(
    segment: bytes, read: Callable[[bytes], dict[str, object]] = json_object
) -> dict[str, object]:
    """Return the JSON object in a segment.

    Arguments:
        read: decodes the JSON.

    Raises:
        TokenMalformed: it is not canonical base64url of a JSON object.
    """
    if segment[:1] not in _OBJECT_STARTS:
        raise TokenMalformed(_NOT_AN_OBJECT)
    try:
        return read(base64url_decode_bytes(segment))
    except ValueError as err:
        reason = str(err)
    raise TokenMalformed(reason)


def check_header(
    header: Header, *, algorithms: Collection[str], types: Collection[str | None]
) -> None:
    """Check the JOSE header before any key is looked up.

    Arguments:
        algorithms: the allowed `alg` values, case-sensitive (RFC 8725 §3.1).
        types: the allowed `typ` values in lower case without `application/`; None allows a token
            without `typ`.

    Raises:
        TokenEncrypted: there is an `enc` (RFC 7516 §9).
        TokenMalformed: there is a `kid`, and it is not a string.
        AlgorithmNotAllowed: `alg` is missing or not in `algorithms`.
        CriticalHeaderNotUnderstood: there is a `crit` with any value (RFC 7515 §4.1.11), or a
            `b64`, which requires `crit` (RFC 7797 §6).
        TokenTypeNotAllowed: `typ` is not in `types`.
    """
    members = header.members
    if "enc" in members:
        raise TokenEncrypted(_ENCRYPTED)
    if header.alg not in algorithms:
        raise AlgorithmNotAllowed(
            f"alg is {shown(header.alg or None)}, which the configuration does not allow"
        )
    if "crit" in members or "b64" in members:
        raise CriticalHeaderNotUnderstood(
            "the header has crit or b64, and no extension is supported"
        )
    if "kid" in members and header.kid is None:
        raise TokenMalformed(f"kid is {shown(members['kid'])}, it must be a string")
    if "typ" not in members:
        media_type: object = None
    else:
        typ = members["typ"]
        # `"typ": null` does not count as a missing typ.
        media_type = typ.lower().removeprefix("application/") if isinstance(typ, str) else typ
        if media_type is None:
            raise TokenTypeNotAllowed("typ is null")
    if not isinstance(media_type, str | None) or media_type not in types:
        raise TokenTypeNotAllowed(
            f"typ is {shown(members.get('typ'))}, which the profile does not accept"
        )
