"""Requests that call the guard as an ASGI application in this process, without a server."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from asgi_bearer import BearerMiddleware, Verifier

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

SCOPES: Final = {"read:contacts"}
"""The scope that the guard requires."""

_BODY: Final = b'{"owner": "alice"}'


async def application(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Send the same response to every request."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


def guard(verifier: Verifier) -> BearerMiddleware:
    """Return the guard in front of `application`."""
    return BearerMiddleware(application, verifier=verifier, scopes=SCOPES)


def headers(token: str | bytes | None) -> Headers:
    """Return the headers of a request with this token, or without one, as a server passes them."""
    fields = [
        (b"host", b"api.example"),
        (b"user-agent", b"client/1.0"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"connection", b"keep-alive"),
    ]
    if token is not None:
        value = token.encode() if isinstance(token, str) else token
        fields.append((b"authorization", b"Bearer " + value))
    return fields


def requests(app: "ASGIApp") -> Callable[[Headers], Awaitable[None]]:
    """Return a function that sends a request with these headers and drops the response."""
    return lambda sent: app(_scope(sent), _receive, _drop)


async def status(app: "ASGIApp", sent: Headers) -> int:
    """Return the status of the response to a request with these headers."""
    statuses: list[int] = []

    async def send(message: "Message") -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(_scope(sent), _receive, send)
    return statuses[0]


def expect(
    runner: asyncio.Runner, app: "ASGIApp", sent: Sequence[Headers], *, accepted: bool
) -> None:
    """Check that all requests are accepted, or that all are refused.

    Raises:
        RuntimeError: one of them is not.
    """
    for one in sent:
        code = runner.run(status(app, one))
        if code != 200 if accepted else not 400 <= code < 500:
            raise RuntimeError(
                f"{'a valid' if accepted else 'an invalid'} request was answered with {code}"
            )


def _scope(sent: Headers) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/contacts",
        "raw_path": b"/contacts",
        "query_string": b"",
        "root_path": "",
        "headers": sent,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
    }


async def _receive() -> "Message":
    return {"type": "http.request", "body": b"", "more_body": False}


async def _drop(message: "Message") -> None:
    return None
