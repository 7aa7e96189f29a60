"""Compact JWS -> header, claims, signature: strict, bounded, and not yet trusted.

All of it happens before a key is looked up.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final, NamedTuple

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

_NO_OBJECT: Final = "a segment is no JSON object"
_ENCRYPTED: Final = "an encrypted token (JWE): its issuer must sign, not encrypt"
_OBJECT_STARTS: Final = b"eICD"
"""What `{` and white space begin with: most junk shows by its first character."""


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
        TokenOpaque: it has one segment, so it is no JWT.
        TokenEncrypted: it has five (RFC 7516 §7.1).
        TokenMalformed: it is not three segments.
    """
    if len(token) > max_bytes:
        raise TokenTooLarge(f"token of {len(token)} bytes, at most {max_bytes} are read")
    if not token.isascii():
        raise TokenMalformed("the token is not ASCII")
    encoded = token.encode("ascii")
    signing_input, _, signature = encoded.rpartition(b".")
    header, dot, claims = signing_input.partition(b".")
    if not dot or b"." in claims:
        raise _not_three(encoded)
    if encoded[:1] not in _OBJECT_STARTS:
        raise TokenMalformed(_NO_OBJECT)
    return Segments(header, claims, signature, signing_input)


def _not_three(token: bytes) -> InvalidTokenError:
    dots = token.count(b".")
    if dots == 0 and token[:1] not in (b"", b"{"):
        return TokenOpaque("an opaque token: it has no dots, and only a JWT can be verified")
    if dots == 4 and _is_encrypted(token.partition(b".")[0]):
        return TokenEncrypted(_ENCRYPTED)
    return TokenMalformed(f"{dots + 1} segments, and a signed JWT has three")


def _is_encrypted(header: bytes) -> bool:
    try:
        return "enc" in decoded_object(header)
    except TokenMalformed:
        return False


def decoded_object(segment: bytes) -> dict[str, object]:
    """Return the JSON object in a segment.

    Raises:
        TokenMalformed: it is not one, or not canonical base64url.
    """
    if segment[:1] not in _OBJECT_STARTS:
        raise TokenMalformed(_NO_OBJECT)
    try:
        return json_object(base64url_decode_bytes(segment))
    except ValueError as err:
        reason = str(err)
    # Out here it has no context: some decoding errors carry the text that they failed on.
    raise TokenMalformed(reason)


def decoded(segments: Segments, header: Header) -> CompactJWS:
    """Return the token whose first segment has been decoded into `header`.

    Raises:
        TokenMalformed: the other two cannot be decoded, or there is no signature.
    """
    if not segments.signature:
        raise TokenMalformed("the signature is empty")
    claims = decoded_object(segments.claims)
    try:
        signature = base64url_decode_bytes(segments.signature)
    except ValueError as err:
        reason = str(err)
    else:
        return CompactJWS(header, claims, segments.signing_input, signature)
    raise TokenMalformed(reason)


def check_header(
    header: Header, *, algorithms: Collection[str], types: Collection[str | None]
) -> None:
    """Check what the JOSE header claims to be, before any key is looked up.

    Arguments:
        algorithms: the allowed `alg` values, compared with case (RFC 8725 §3.1).
        types: the allowed `typ` values in lower case without `application/`; None in it allows a
            token without `typ`.

    Raises:
        TokenEncrypted: `enc` is there (RFC 7516 §9).
        TokenMalformed: `kid` is there and no string.
        AlgorithmNotAllowed: `alg` is missing or not in `algorithms`.
        CriticalHeaderNotUnderstood: `crit` is there, whatever it holds (RFC 7515 §4.1.11), or
            `b64`, which only works together with it (RFC 7797 §6).
        TokenTypeNotAllowed: `typ` is not in `types`.
    """
    members = header.members
    if "enc" in members:
        raise TokenEncrypted(_ENCRYPTED)
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
