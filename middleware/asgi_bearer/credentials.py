"""Request headers -> what was presented: the credential of RFC 6750 §2.1, exactly one.

Only the Authorization header is read. A token in the query or in a form is never looked at, so a
link or a log that holds one opens nothing.
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
"""No server hands on longer headers by default; a longer one is refused before it is parsed."""

_ALPHANUMERIC: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_TOKEN: Final = _ALPHANUMERIC + b"!#$%&'*+-.^_`|~"
"""What an auth-scheme is made of: `token` of RFC 9110 §5.6.2."""

_B64TOKEN: Final = _ALPHANUMERIC + b"-._~+/"
"""What stands before the padding in b64token (RFC 6750 §2.1)."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What the caller presented to be judged.

    Arguments:
        token: the access token as it was sent.
    """

    token: str = field(repr=False)

    @property
    def credentials(self) -> bytes:
        """The Authorization header as most clients write it."""
        return b"Bearer " + self.token.encode("utf-8", "surrogatepass")


def presented(values: Sequence[bytes]) -> Presented:
    """Return what the values of all Authorization headers present.

    Raises:
        CredentialsMissing: there is no Authorization header, or it is of another scheme.
        CredentialsRepeated: there is more than one.
        CredentialsMalformed: it does not follow the grammar of RFC 6750 §2.1.
        TokenTooLarge: it is longer than any server hands on by default.
    """
    if len(values) != 1:
        if not values:
            raise CredentialsMissing("no Authorization header")
        raise CredentialsRepeated(f"{len(values)} Authorization headers")
    if len(values[0]) > MAX_CREDENTIAL_BYTES:
        raise TokenTooLarge(f"Authorization header of {len(values[0])} bytes")
    # Not every server strips the optional white space around a field value (RFC 9110 §5.5).
    scheme, _, rest = values[0].strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        if not _consists_of(_TOKEN, scheme):
            raise CredentialsMalformed("the header does not begin with an authentication scheme")
        raise CredentialsMissing("the authentication scheme is not Bearer")
    token = rest.lstrip(b" ")
    if not token:
        raise CredentialsMalformed("the Bearer credentials are empty")
    if not _consists_of(_B64TOKEN, token.rstrip(b"=")):
        raise CredentialsMalformed("the Bearer credentials are not one b64token")
    return Presented(token.decode("ascii"))


def check_names(names: Iterable[bytes]) -> None:
    """Check that no Authorization header hides behind capitals; ASGI demands lower case.

    Raises:
        CredentialsMissing: one does. It was not read, and its sender is not anonymous either.
    """
    if any(name.lower() == b"authorization" for name in names):
        raise CredentialsMissing("the server did not hand on header names in lower case")


def _consists_of(characters: bytes, text: bytes) -> bool:
    # Several times as fast as an expression, and each request comes by here.
    return text != b"" and not text.translate(None, characters)
