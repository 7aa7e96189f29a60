"""Asks whether a token that no known key signed may be ours, before newer keys are fetched.

Anyone may have written it, so the answer must take little time for any payload.
"""

import json
from typing import Final

from asgi_bearer.errors import ClaimMissing
from asgi_bearer.jose.jws import decoded_object, decoded_segment
from asgi_bearer.jwt.claims import Expected, check_issuer, issuer_mismatch

_MAX_DECODED, _MAX_COMMAS = 1024, 48
"""Bytes and commas of a payload that is decoded in full: more than most tokens have."""

_MAX_ISSUERS, _MAX_ESCAPED, _MAX_WHITE_SPACE = 4, 12, 64
"""How many `"iss"` of another payload are read, and how many bytes behind each of them: JSON may
write a character in twelve bytes, and white space around the colon."""

_WHITE_SPACE: Final = b" \t\n\r"
_JSON: Final = json.JSONDecoder()


def check_unverified_issuer(payload: bytes, expected: Expected) -> None:
    """Check that a token may be ours. `check_issuer` decides once a key has signed it.

    A short payload with few members is decoded. In another one the strings behind `"iss"` are
    read, and what is unclear may be ours.

    Arguments:
        payload: the second segment of the token.

    Raises:
        IssuerMismatch, ClaimMissing: the token is not ours.
        TokenMalformed: the payload is not canonical base64url, or a short one is not JSON.
    """
    decoded = decoded_segment(payload)
    if len(decoded) <= _MAX_DECODED and decoded.count(b",") <= _MAX_COMMAS:
        check_issuer(decoded_object(payload), expected)
        return
    length = _MAX_ESCAPED * len(expected.issuer) + _MAX_WHITE_SPACE
    found = [_string(after[:length]) for after in decoded.split(b'"iss"', _MAX_ISSUERS)[1:]]
    if expected.issuer in found or len(found) == _MAX_ISSUERS:
        return
    if found:
        raise issuer_mismatch(found[0], expected)
    # The name of the claim may be escaped.
    if b"\\u" not in decoded:
        raise ClaimMissing("iss is missing")


def _string(text: bytes) -> object:
    """Return the JSON string that follows a colon, or None."""
    value = text.lstrip(_WHITE_SPACE).removeprefix(b":").lstrip(_WHITE_SPACE)
    if value[:1] != b'"':
        return None
    try:
        return _JSON.raw_decode(value.decode("utf-8", "replace"))[0]
    except ValueError:
        return None
