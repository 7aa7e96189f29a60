"""What the guard and the endpoints behind it know of a connection, and how a refusal is logged."""

import logging
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

from asgi_bearer.errors import AccessTokenError, NotJudgedError, shown_path

USER_KEY: Final = "asgi_bearer.user"
REALM_KEY: Final = "asgi_bearer.realm"
"""Where the ASGI scope tells those further inside whom the guard let pass, and with which realm:
beside `user` and `auth`, which an application may replace."""

POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455 §7.4.1)."""

_LONGEST_METHOD: Final = 16

_PREFLIGHT: Final = (b"origin", b"access-control-request-method")

logger = logging.getLogger("asgi_bearer")


def can_deny_with_http(scope: Mapping[str, Any]) -> bool:
    """Return whether the server can answer this WebSocket handshake with an HTTP response."""
    return "websocket.http.response" in (scope.get("extensions") or {})


def is_preflight(scope: MutableMapping[str, Any]) -> bool:
    """Return whether a request is a CORS preflight, as browsers send it (Fetch, CORS protocol).

    It has one `Origin` and one `Access-Control-Request-Method`, neither of them empty.
    """
    if scope["type"] != "http" or scope.get("method") != "OPTIONS":
        return False
    try:
        # ASGI promises an iterable; the application wants to read it as well.
        headers = scope["headers"] = list(scope["headers"])
        sent = [[value for name, value in headers if name == wanted] for wanted in _PREFLIGHT]
    except (KeyError, TypeError, ValueError):
        # Like every other request with odd headers, it is judged, and refused.
        return False
    return all(len(values) == 1 and values[0] for values in sent)


def log_refusal(scope: Mapping[str, Any], refusal: AccessTokenError) -> None:
    """Write one line about a refused request: method, path without the query, code and reason."""
    told = str(refusal)
    if not (told.isascii() and told.isprintable()):
        # A verifier of somebody else's may quote what was sent.
        told = ascii(told)[1:-1]
    method = "WebSocket" if scope["type"] == "websocket" else str(scope.get("method", ""))
    logger.log(
        logging.WARNING if isinstance(refusal, NotJudgedError) else logging.INFO,
        "refused %s %s: %s",
        shown_path(method[:_LONGEST_METHOD]),
        shown_path(str(scope.get("path", ""))),
        told,
    )
