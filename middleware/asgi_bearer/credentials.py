"""Request headers -> what was presented: the credential of RFC 6750 §2.1, exactly one.

Only the Authorization header is read. A token in the query or in a form is never looked at, so a
link or a log that holds one opens nothing.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from asgi_bearer.errors import (
    CredentialsMalformed,
    CredentialsMissing,
    CredentialsRepeated,
    TokenTooLarge,
)

MAX_CREDENTIAL_BYTES: Final = 64 * 1024
"""No server hands on longer headers by default; a longer one is refused before it is parsed."""

_CREDENTIALS = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?: +([^ ].*))?", re.DOTALL)
"""auth-scheme [ 1*SP rest ] of RFC 9110 §11.4."""

_B64TOKEN = re.compile(rb"[A-Za-z0-9\-._~+/]+=*")
"""b64token of RFC 6750 §2.1."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What the caller presented to be judged.

    Arguments:
        token: the access token as it was sent.
    """

    token: str = field(repr=False)


def presented(headers: Iterable[tuple[bytes, bytes]]) -> Presented:
    """Return what `headers` present, names in lower case as ASGI gives them.

    Raises:
        CredentialsMissing: there is no Authorization header, or it is of another scheme.
        CredentialsRepeated: there is more than one.
        CredentialsMalformed: it does not follow the grammar of RFC 6750 §2.1.
        TokenTooLarge: it is longer than any server hands on by default.
    """
    values = [value for name, value in headers if name == b"authorization"]
    if not values:
        raise CredentialsMissing("no Authorization header")
    if len(values) > 1:
        raise CredentialsRepeated(f"{len(values)} Authorization headers")
    if len(values[0]) > MAX_CREDENTIAL_BYTES:
        raise TokenTooLarge(f"Authorization header of {len(values[0])} bytes")
    # Not every server strips the optional white space around a field value (RFC 9110 §5.5).
    credentials = _CREDENTIALS.fullmatch(values[0].strip(b" \t"))
    if credentials is None:
        raise CredentialsMalformed("the header does not begin with an authentication scheme")
    scheme, rest = credentials.groups()
    if scheme.lower() != b"bearer":
        raise CredentialsMissing("the authentication scheme is not Bearer")
    if rest is None:
        raise CredentialsMalformed("the Bearer credentials are empty")
    if _B64TOKEN.fullmatch(rest) is None:
        raise CredentialsMalformed("the Bearer credentials are not one b64token")
    return Presented(token=rest.decode("ascii"))
