"""Requests through the guard in this process: no server, no socket, nothing else to wait for."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from asgi_bearer import BearerMiddleware, Verifier

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Headers = list[tuple[bytes, bytes]]

SCOPES: Final = {"read:contacts"}
"""What the guard asks for."""

_BODY: Final = b'{"owner": "alice"}'


async def application(scope: "Scope", receive: "Receive", send: "Send") -> None:
    """Answer every request with the same words."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(_BODY))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": _BODY})


class NoMiddleware:
    """Stands where the guard stands and does nothing."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Call the application."""
        await self._app(scope, receive, send)


def guard(verifier: Verifier) -> BearerMiddleware:
    """Return the guard in front of `application`."""
    return BearerMiddleware(application, verifier=verifier, scopes=SCOPES)


def headers(token: str | bytes | None) -> Headers:
    """Return what a client sends with this token, if any, as a server hands it on."""
    sent = [
        (b"host", b"api.example"),
        (b"user-agent", b"client/1.0"),
        (b"accept", b"application/json"),
        (b"accept-encoding", b"gzip, deflate"),
        (b"connection", b"keep-alive"),
    ]
    if token is not None:
        value = token.encode() if isinstance(token, str) else token
        sent.append((b"authorization", b"Bearer " + value))
    return sent


def requests(app: "ASGIApp") -> Callable[[Headers], Awaitable[None]]:
    """Return what makes a request of these headers, and listens to nothing."""
    return lambda sent: app(_scope(sent), _receive, _forget)


async def status(app: "ASGIApp", sent: Headers) -> int:
    """Return the status that a request of these headers is answered with."""
    statuses: list[int] = []

    async def send(message: "Message") -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(_scope(sent), _receive, send)
    return statuses[0]


def expect(runner: asyncio.Runner, app: "ASGIApp", sent: Sequence[Headers], *, good: bool) -> None:
    """Make sure that what will be measured is what it is meant to be.

    Raises:
        RuntimeError: a good request was refused, or a bad one passed.
    """
    for one in sent:
        answer = runner.run(status(app, one))
        if answer != 200 if good else not 400 <= answer < 500:
            raise RuntimeError(
                f"{'a good' if good else 'a bad'} request was answered with {answer}"
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


async def _forget(message: "Message") -> None:
    return None
