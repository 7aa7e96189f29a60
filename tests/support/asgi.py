"""Scopes, requests and conversations for ASGI applications; httpx.ASGITransport has only HTTP."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

Message = dict[str, Any]


def client(app: Any) -> httpx.AsyncClient:
    """Return an HTTP client that sends its requests to `app`."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://api.example")


def bearer(token: str) -> dict[str, str]:
    """Return the request headers that carry `token`."""
    return {"authorization": f"Bearer {token}"}


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
