"""Scopes, requests and conversations for ASGI applications; httpx.ASGITransport has only HTTP."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

Message = dict[str, Any]

_PARAMETER = re.compile(r'([a-z_]+)="((?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*)"')
"""An auth-param with a quoted-string in ASCII (RFC 9110 §11.2, §5.6.4)."""

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


def client(app: Any) -> httpx.AsyncClient:
    """Return an HTTP client that sends its requests to `app`."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://api.example")


def bearer(token: str) -> dict[str, str]:
    """Return the request headers that carry `token`."""
    return {"authorization": f"Bearer {token}"}


def bearer_fields(token: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an ASGI scope that carry `token`."""
    return [(b"authorization", f"Bearer {token}".encode())]


def challenge_parameters(value: str) -> list[tuple[str, str]]:
    """Return the parameters of a Bearer challenge; fail if it breaks the grammar."""
    scheme, _, rest = value.partition(" ")
    assert scheme == "Bearer"
    parameters: list[tuple[str, str]] = []
    for text in re.split(r", (?=[a-z_]+=)", rest):
        match = _PARAMETER.fullmatch(text)
        assert match is not None
        parameters.append((match[1], re.sub(r"\\(.)", r"\1", match[2])))
    return parameters


def http_scope(**changes: Any) -> Message:
    """Return the scope of GET / with changes; `raw_path` is encoded as servers encode it."""
    raw_path = quote(changes.get("path", "/"), safe="/!$&'()*+,;=:@", errors="replace").encode()
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": "/",
        "raw_path": raw_path,
        "query_string": b"",
        "root_path": "",
        "headers": [],
        "client": ("127.0.0.1", 1234),
        "server": ("api.example", 443),
        **changes,
    }


def websocket_scope(
    path: str = "/", headers: Mapping[str, str] | None = None, *, denial: bool = True
) -> Message:
    """Return the scope of a WebSocket handshake; `denial` offers the extension for HTTP
    responses."""
    fields = [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    extensions: Message = {"websocket.http.response": {}} if denial else {}
    scope = http_scope(type="websocket", scheme="wss", path=path, headers=fields, subprotocols=[])
    del scope["method"]
    return {**scope, "extensions": extensions}


async def converse(app: Any, scope: Message, *received: Message) -> list[Message]:
    """Run `app` on `scope`, let it receive the messages in `received`, and return what it sent."""
    sent: list[Message] = []
    waiting = list(received)

    async def receive() -> Message:
        if not waiting:
            raise AssertionError("the application asked for more than there is")
        return waiting.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async with asyncio.timeout(60):
        await app(scope, receive, send)
    return sent


async def handshake(app: Any, scope: Message) -> list[Message]:
    """Open a WebSocket, close it again, and return what `app` sent."""
    return await converse(
        app, scope, {"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000}
    )


async def answer_ok(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer every scope with an empty 200."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def answer_subject(scope: Any, _receive: Any, send: Any) -> None:
    """Answer 200 with the subject of the user."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["user"].subject.encode()})


class RecordingApplication:
    """Answers every HTTP request with 200 and records the scopes of all calls."""

    def __init__(self, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        self.headers = headers or []
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": self.headers})
            await send({"type": "http.response.body", "body": b"contacts"})
