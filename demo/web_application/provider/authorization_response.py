"""The authorization response, parsed from the fragment of the address: strict, not yet trusted."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl

MAX_FRAGMENT_BYTES = 32 * 1024
"""Two tokens of the largest size that anybody sends, and room beside them."""

MAX_PARAMETERS = 32

COMPONENTS = frozenset({"code", "id_token", "access_token"})
"""What a response type asks for; everything else goes along with one of them."""


_VISIBLE = re.compile(r"[\x21-\x7e]+")
"""What an access token is made of (RFC 6749 §A.12), but for the space: it goes into a header."""


class ResponseMalformed(Exception):
    """The fragment is no authorization response; the message holds nothing of it."""


def fits_a_header(access_token: str) -> bool:
    """Return whether it can be sent to an API (RFC 6750 §2.1); whoever made it up need not care."""
    return _VISIBLE.fullmatch(access_token) is not None


def parsed(fragment: str) -> Mapping[str, str]:
    """Return the parameters of a fragment, which is written like a form (OAuth 2.0 Multiple
    Response Type Encoding Practices §2.1).

    Raises:
        ResponseMalformed: it is too long, it is no form, or a parameter is in it twice, so that
            two readers could read it differently.
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
        # Not chained: the error quotes what it could not read.
        raise ResponseMalformed("it is not a list of parameters") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise ResponseMalformed("a parameter is in it more than once")
    return parameters
