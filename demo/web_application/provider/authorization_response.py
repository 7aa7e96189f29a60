"""The authorization response: parsed from the fragment of the callback URL, not yet verified."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

MAX_FRAGMENT_BYTES = 32 * 1024
"""Room for two tokens of 16 KiB."""

MAX_PARAMETERS = 32

COMPONENTS = frozenset({"code", "id_token", "access_token"})
"""The parameters that a response type can ask for; all others accompany one of them."""


_HEADER_SAFE = re.compile(r"[\x21-\x7e]+")
"""The characters of an access token (RFC 6749 §A.12) without the space."""


class ResponseMalformed(Exception):
    """The fragment is not an authorization response; the message quotes nothing of it."""


def is_header_safe(access_token: str) -> bool:
    """Return whether an Authorization header can carry the token (RFC 6750 §2.1)."""
    return _HEADER_SAFE.fullmatch(access_token) is not None


def parsed(fragment: str) -> Mapping[str, str]:
    """Return the parameters of a fragment (OAuth 2.0 Multiple Response Type Encoding §2.1).

    Raises:
        ResponseMalformed: the fragment is too long, is not form-encoded, or repeats a parameter:
            two readers could then read it differently.
    """
    if len(fragment) > MAX_FRAGMENT_BYTES:
        raise ResponseMalformed(f"it is longer than {MAX_FRAGMENT_BYTES} bytes")
    if not fragment:
        raise ResponseMalformed("it is empty")
    try:
        pairs = parse_qsl(
            fragment,
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_PARAMETERS,
        )
    except ValueError:
        # Not chained: the original error quotes the fragment.
        raise ResponseMalformed("it is not a list of parameters") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise ResponseMalformed("a parameter occurs more than once")
    return parameters
