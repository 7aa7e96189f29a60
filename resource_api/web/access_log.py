"""The access log: client, method, path, status and duration of each request.

It shows no query string, no header and no long segment of a path, because each can hold a token.
"""

import logging
import time
from urllib.parse import quote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_SEGMENT = 64
"""Characters. An identifier is shorter than this, an access token longer."""

MAX_PATH = 256
"""Characters of a path that are logged."""

_START_OF_SEGMENT = 8
"""Characters that are logged of a longer segment: enough to recognise it, too few to use it."""


class AccessLog:
    """ASGI middleware that logs one line for each request.

    uvicorn's own access log writes the query string, where some clients put tokens, and fails if
    the query string is not ASCII.

    Arguments:
        name: the server; the logger `<name>.access` writes the lines.
    """

    def __init__(self, app: ASGIApp, name: str = "resource_api") -> None:
        self._app = app
        self._logger = logging.getLogger(f"{name}.access")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.monotonic()

        async def send_and_keep_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_keep_status)
        finally:
            client: tuple[str, int] | None = scope.get("client")
            self._logger.info(
                "%s %s %s %d %.1f ms",
                client[0] if client else "-",
                scope["method"],
                _shortened(scope["path"]),
                status,
                (time.monotonic() - started) * 1000,
            )


def _shortened(path: str) -> str:
    # Quoted, because a path can hold line breaks.
    segments = (
        quote(segment)
        if len(segment) <= MAX_SEGMENT
        else quote(segment[:_START_OF_SEGMENT]) + "..."
        for segment in path.split("/", MAX_PATH)
    )
    text = "/".join(segments)
    return text if len(text) <= MAX_PATH else text[:MAX_PATH] + "..."
