"""Reads the Bearer token from the Authorization header (RFC 6750 §2.1).

A token in the query or in a form is never read, because links and logs leak it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from asgi_bearer.errors import (
    CredentialsMalformed,
    CredentialsMissing,
    CredentialsRepeated,
    TokenTooLarge,
)

MAX_CREDENTIAL_BYTES: Final = 64 * 1024
"""No server accepts longer headers by default. A longer one is refused before it is parsed."""

_ALPHANUMERIC: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_TOKEN: Final = _ALPHANUMERIC + b"!#$%&'*+-.^_`|~"
"""The characters of an auth-scheme (`token`, RFC 9110 §5.6.2)."""

_B64TOKEN: Final = _ALPHANUMERIC + b"-._~+/"
"""The characters of b64token before its padding (RFC 6750 §2.1)."""


@dataclass(frozen=True, slots=True)
class Presented:
    """The credentials that the client presented.

    Arguments:
        token: the access token as the client sent it.
    """

    token: str = field(repr=False)

    @property
    def credentials(self) -> bytes:
        """The Authorization header as most clients write it."""
        return b"Bearer " + self.token.encode("utf-8", "surrogatepass")


def presented(values: Sequence[bytes]) -> Presented:
    """Return the credentials from `values`, one for each Authorization header.

    Raises:
        CredentialsMissing: there is no Authorization header, or it has another scheme.
        CredentialsRepeated: there is more than one Authorization header.
        CredentialsMalformed: the header does not follow the grammar of RFC 6750 §2.1.
        TokenTooLarge: the header is longer than `MAX_CREDENTIAL_BYTES`.
    """
    if len(values) != 1:
        if not values:
            raise CredentialsMissing("no Authorization header")
        raise CredentialsRepeated(f"{len(values)} Authorization headers")
    if len(values[0]) > MAX_CREDENTIAL_BYTES:
        raise TokenTooLarge(
            f"the Authorization header has {len(values[0])} bytes, at most {MAX_CREDENTIAL_BYTES}"
            " are allowed"
        )
    # Some servers do not strip the optional white space around a field value (RFC 9110 §5.5).
    scheme, _, rest = values[0].strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        if not _consists_of(_TOKEN, scheme):
            raise CredentialsMalformed("the header must begin with an authentication scheme")
        raise CredentialsMissing("the authentication scheme is not Bearer")
    token = rest.lstrip(b" ")
    if not token:
        raise CredentialsMalformed("the Bearer credentials are empty")
    if not _consists_of(_B64TOKEN, token.rstrip(b"=")):
        raise CredentialsMalformed("the Bearer credentials must be one b64token")
    return Presented(token.decode("ascii"))


def check_names(names: Iterable[bytes]) -> None:
    """Check that no Authorization header has capital letters in its name; ASGI forbids them.

    Raises:
        CredentialsMissing: one has. It was not read, so the client is not anonymous either.
    """
    if any(name.lower() == b"authorization" for name in names):
        raise CredentialsMissing("the server must pass header names in lower case")


def _consists_of(characters: bytes, text: bytes) -> bool:
    # Several times as fast as a regular expression; every request runs this.
    return text != b"" and not text.translate(None, characters)
