"""One line per request: who, what, which status, how long. No query string and no header."""

import logging
import time
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_SEGMENT = 64
"""Characters between two slashes of a path; an identifier has fewer, a token more."""

MAX_PATH = 256
"""Characters of a path that are shown."""

_SHOWN = 8
"""Characters of a longer segment: enough to recognise what it is, too few to use it."""

logger = logging.getLogger("resource_api.access")


class AccessLog:
    """Wraps an ASGI application.

    The server's own access log writes the query string, where some clients put tokens, and fails
    on one that is not ASCII.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.monotonic()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            client: tuple[str, int] | None = scope.get("client")
            logger.info(
                "%s %s %s %d %.1f ms",
                client[0] if client else "-",
                scope["method"],
                _shown(scope["path"]),
                status,
                (time.monotonic() - started) * 1000,
            )


def _shown(path: str) -> str:
    segments = (
        quote(part) if len(part) <= MAX_SEGMENT else quote(part[:_SHOWN]) + "..."
        for part in path.split("/", MAX_PATH)
    )
    shown = "/".join(segments)  # quoted, because a path can hold line breaks
    return shown if len(shown) <= MAX_PATH else shown[:MAX_PATH] + "..."
