"""Limits for each request, checked before the application: HTTP version, header fields, framing."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from resource_api.web.problems import problem_response

MAX_FIELDS: Final = 128
"""Header fields of a request. A browser behind proxies sends about forty."""

_VERSIONS: Final = frozenset({"1.0", "1.1"})


class HeadChecks:
    """ASGI middleware that refuses requests beyond the limits and closes their connections."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = _refusal(scope) if scope["type"] == "http" else None
        if refusal is None:
            await self._app(scope, receive, send)
            return
        await problem_response(*refusal, headers={"Connection": "close"})(scope, receive, send)


def refusal_bytes(status: int) -> bytes:
    """Return the whole HTTP response to bytes that are not a valid request."""
    problem = problem_response(status, "The server cannot read this HTTP request.")
    fields = [*problem.raw_headers, (b"connection", b"close")]
    head = b"".join(b"%s: %s\r\n" % field for field in fields)
    return b"HTTP/1.1 %d \r\n%s\r\n%s" % (status, head, bytes(problem.body))


def _refusal(scope: Scope) -> tuple[int, str] | None:
    if scope["http_version"] not in _VERSIONS:
        return 505, "The server supports HTTP 1.0 and 1.1 only."
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    if len(headers) > MAX_FIELDS:
        return 431, f"The request has more than {MAX_FIELDS} header fields."
    names = {name for name, _ in headers}
    if {b"content-length", b"transfer-encoding"} <= names:
        # Two servers could disagree about where this request ends (RFC 9112 §6.1).
        return 400, "The request has both Content-Length and Transfer-Encoding."
    return None
