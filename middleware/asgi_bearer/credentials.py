"""Reads the Bearer token from the Authorization header (RFC 6750 §2.1).

A token in the query or in a form is never read, because links and logs leak it.
"""

from collections.abc import Iterable, MutableMapping
from typing import Any, Final, Self

from asgi_bearer.errors import (
    CredentialsMalformed,
    CredentialsMissing,
    CredentialsRepeated,
    TokenTooLarge,
)

MAX_CREDENTIAL_BYTES: Final = 64 * 1024
"""No server accepts longer headers by default. A longer one is refused before it is parsed."""

_new = object.__new__

_ALPHANUMERIC: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

_TOKEN: Final = _ALPHANUMERIC + b"!#$%&'*+-.^_`|~"
"""The characters of an auth-scheme (`token`, RFC 9110 §5.6.2)."""

_B64TOKEN: Final = _ALPHANUMERIC + b"-._~+/"
"""The characters of b64token before its padding (RFC 6750 §2.1)."""


class Presented:
    """The credentials that the client presented. They are parsed when the token is read.

    Arguments:
        token: the access token.

    Attributes:
        credentials: the Authorization header, in most requests as the client sent it.
    """

    __slots__ = ("_token", "credentials")

    credentials: bytes
    _token: bytes | None

    def __init__(self, token: str) -> None:
        self._token = token.encode("utf-8", "surrogatepass")
        self.credentials = b"Bearer " + self._token

    @classmethod
    def in_scope(cls, scope: MutableMapping[str, Any]) -> Self:
        """Return the Bearer credentials of a request.

        Arguments:
            scope: the ASGI scope.

        Raises:
            CredentialsMissing: there is no Authorization header, or it has another scheme.
            CredentialsRepeated: there is more than one Authorization header.
            CredentialsMalformed, TokenTooLarge: as for `token`; but if the header begins with
                `Bearer` and a space, `token` raises them.
        """
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        if not isinstance(headers, list):
            headers = _headers(scope)
        found: bytes | None = None
        for name, value in headers:
            if name == b"authorization":
                if found is not None:
                    raise CredentialsRepeated("more than one Authorization header")
                found = value
        if found is None or found[:7] != b"Bearer ":
            if any(name.lower() == b"authorization" != name for name, _ in headers):
                raise CredentialsMissing("the server must pass header names in lower case")
            if found is None:
                raise CredentialsMissing("no Authorization header")
            found = b"Bearer " + _unchecked_token(found)
        # Without a call of `__init__`, because every request runs this.
        presented = _new(cls)
        presented.credentials = found
        presented._token = None
        return presented

    @property
    def token(self) -> str:
        """The access token.

        Raises:
            CredentialsMalformed: the header does not follow the grammar of RFC 6750 §2.1.
            TokenTooLarge: the header is longer than `MAX_CREDENTIAL_BYTES`.
        """
        token = self.unchecked_token()
        if not self.is_well_formed():
            raise CredentialsMalformed("the Bearer credentials must be one b64token")
        return token.decode("utf-8", "surrogatepass")

    def unchecked_token(self) -> bytes:
        """Return the token, in which there may be characters that no token has.

        A verifier that accepts only a JWT need not check them: base64url has fewer characters.

        Raises:
            CredentialsMalformed: there is no token.
            TokenTooLarge: the header is longer than `MAX_CREDENTIAL_BYTES`.
        """
        return _unchecked_token(self.credentials) if self._token is None else self._token

    def is_well_formed(self) -> bool:
        """Return whether the token is one b64token (RFC 6750 §2.1), if it came in a header.

        True if the header is too long to be parsed: then its length is the fault.
        """
        if self._token is not None or len(self.credentials) > MAX_CREDENTIAL_BYTES:
            return True
        return _consists_of(_B64TOKEN, _unchecked_token(self.credentials).rstrip(b"="))


def has_none(scope: MutableMapping[str, Any]) -> bool:
    """Return whether a request has no Authorization header, in any spelling of its name."""
    return all(name.lower() != b"authorization" for name, _ in _headers(scope))


def _headers(scope: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
    if isinstance(headers, list):
        return headers
    # An iterator can be read only once, and the application reads the headers too.
    scope["headers"] = read = list(headers)
    return read


def _unchecked_token(value: bytes) -> bytes:
    if len(value) > MAX_CREDENTIAL_BYTES:
        raise TokenTooLarge(
            f"the Authorization header has {len(value)} bytes, at most {MAX_CREDENTIAL_BYTES}"
            " are allowed"
        )
    # Some servers do not strip the optional white space around a field value (RFC 9110 §5.5).
    scheme, _, rest = value.strip(b" \t").partition(b" ")
    if scheme.lower() != b"bearer":
        if not _consists_of(_TOKEN, scheme):
            raise CredentialsMalformed("the header must begin with an authentication scheme")
        raise CredentialsMissing("the authentication scheme is not Bearer")
    token = rest.lstrip(b" ")
    if not token:
        raise CredentialsMalformed("the Bearer credentials are empty")
    return token


def _consists_of(characters: bytes, text: bytes) -> bool:
    return text != b"" and not text.translate(None, characters)
