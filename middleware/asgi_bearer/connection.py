"""What the guard and the endpoints behind it know of a connection, and how a refusal is logged."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from asgi_bearer.errors import AccessTokenError, NotJudgedError, shown_path

USER_KEY: Final = "asgi_bearer.user"
REALM_KEY: Final = "asgi_bearer.realm"
"""Where the ASGI scope tells those further inside whom the guard let pass, and with which realm:
beside `user` and `auth`, which an application may replace."""

POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455 §7.4.1)."""

_LONGEST_METHOD: Final = 16

logger = logging.getLogger("asgi_bearer")


def can_deny_with_http(scope: Mapping[str, Any]) -> bool:
    """Return whether the server can answer this WebSocket handshake with an HTTP response."""
    return "websocket.http.response" in (scope.get("extensions") or {})


def log_refusal(scope: Mapping[str, Any], refusal: AccessTokenError) -> None:
    """Write one line about a refused request: method, path without the query, code and reason."""
    told = str(refusal)
    if not (told.isascii() and told.isprintable()):
        # A verifier that is not ours may quote what was sent.
        told = ascii(told)[1:-1]
    method = "WebSocket" if scope["type"] == "websocket" else str(scope.get("method", ""))
    logger.log(
        logging.WARNING if isinstance(refusal, NotJudgedError) else logging.INFO,
        "refused %s %s: %s",
        shown_path(method[:_LONGEST_METHOD]),
        shown_path(str(scope.get("path", ""))),
        told,
    )
