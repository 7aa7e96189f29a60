"""Shared by the guard and the endpoints: keys of the ASGI scope, log line of a refusal."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, Self
from urllib.parse import quote

from asgi_bearer.errors import AccessTokenError, NotJudgedError

PRINCIPAL_KEY: Final = "asgi_bearer.principal"
REALM_KEY: Final = "asgi_bearer.realm"
"""Keys of the ASGI scope where the guard leaves the `Principal` (or `Anonymous`) and the realm. An
application may replace `user` and `auth`, so the library does not read them."""

REFUSAL_KEY: Final = "asgi_bearer.refusal"
"""Key of the ASGI scope of a WebSocket: a list to which an endpoint adds its refusal, so that the
guard can answer with it. It is a list because some frameworks copy the scope."""

POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455 §7.4.1)."""

_MAX_METHOD_CHARACTERS: Final = 16
_MAX_PATH_CHARACTERS: Final = 256

_MAX_SEGMENT_CHARACTERS: Final = 64
_LONG_SEGMENT_CHARACTERS: Final = 8
"""A longer segment of a path may be a token. These few characters of it are safe to log."""

_PREFLIGHT_HEADERS: Final = (b"origin", b"access-control-request-method")

logger = logging.getLogger("asgi_bearer")


class Realm(str):
    """The realm that the guard leaves in the scope, with the verifier of the principal beside it.

    An endpoint with a verifier of its own can see whether the guard has the same one.

    Attributes:
        verifier: the verifier of the guard.
    """

    __slots__ = ("verifier",)

    verifier: object

    def __new__(cls, realm: str, verifier: object) -> Self:
        """Return `realm` with its verifier."""
        self = super().__new__(cls, realm)
        self.verifier = verifier
        return self

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """Return a plain string for a copy: a copied verifier would not be the same one."""
        return str, (str(self),)


def can_deny_with_http(scope: Mapping[str, Any]) -> bool:
    """Return whether the server can answer this WebSocket handshake with an HTTP response."""
    return "websocket.http.response" in (scope.get("extensions") or {})


def is_preflight(scope: MutableMapping[str, Any]) -> bool:
    """Return whether a request is a CORS preflight (Fetch standard).

    It has exactly one `Origin` and one `Access-Control-Request-Method`, and neither is empty.
    """
    if scope["type"] != "http" or scope.get("method") != "OPTIONS":
        return False
    try:
        # An iterator can be read only once, and the application reads the headers too.
        headers = scope["headers"] = list(scope["headers"])
        sent = [
            [value for name, value in headers if name == wanted] for wanted in _PREFLIGHT_HEADERS
        ]
    except (KeyError, TypeError, ValueError):
        # A request with malformed headers is verified, and then refused.
        return False
    return all(len(values) == 1 and values[0] for values in sent)


def log_refusal(scope: Mapping[str, Any], refusal: AccessTokenError) -> None:
    """Log one line about a refused request: method, path without query, code and reason."""
    reason = str(refusal)
    if not (reason.isascii() and reason.isprintable()):
        # A custom verifier may quote what the client sent.
        reason = ascii(reason)[1:-1]
    method = "WebSocket" if scope["type"] == "websocket" else str(scope.get("method", ""))
    logger.log(
        logging.WARNING if isinstance(refusal, NotJudgedError) else logging.INFO,
        "refused %s %s: %s",
        _escaped_path(method[:_MAX_METHOD_CHARACTERS]),
        _escaped_path(str(scope.get("path", ""))),
        reason,
    )


def _escaped_path(path: str) -> str:
    """Return `path` for the log: escaped, because it may hold line breaks, and cut."""
    segments = (
        quote(segment, errors="replace")
        if len(segment) <= _MAX_SEGMENT_CHARACTERS
        else quote(segment[:_LONG_SEGMENT_CHARACTERS], errors="replace") + "..."
        for segment in path.split("/", _MAX_PATH_CHARACTERS)
    )
    text = "/".join(segments)
    return text if len(text) <= _MAX_PATH_CHARACTERS else text[:_MAX_PATH_CHARACTERS] + "..."
