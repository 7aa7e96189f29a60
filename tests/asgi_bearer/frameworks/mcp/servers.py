"""Guarded servers of the MCP SDK and of FastMCP, and clients that talk to them in process."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from fastmcp import FastMCP
from fastmcp.server.dependencies import get_access_token as fastmcp_access_token
from fastmcp.utilities.asgi_transport import StreamingASGITransport, run_asgi_lifespan
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.provider import AccessToken
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

from asgi_bearer import BearerMiddleware
from asgi_bearer.mcp import AccessTokenMiddleware
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer

ORIGIN = "http://127.0.0.1:8000"
URL = f"{ORIGIN}/mcp"

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
LIST_TOOLS = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
MEDIA_TYPES = {"accept": "application/json, text/event-stream", "content-type": "application/json"}

Access = Callable[[], AccessToken | None]


class Barrier:
    """Two tool calls wait here for each other."""

    def __init__(self) -> None:
        self._waiting = 0
        self._both = asyncio.Event()

    async def wait(self) -> None:
        """Return when both are here."""
        self._waiting += 1
        if self._waiting == 2:
            self._both.set()
        await self._both.wait()


def _described(access: Access) -> dict[str, Any]:
    token = access()
    return {} if token is None else token.model_dump() | {"shown": repr(token)}


def sdk_server(**options: Any) -> Starlette:
    """Return a server of the SDK whose tools tell what they know about the caller."""
    server = MCPServer("contacts", **options.pop("settings", {}))
    barrier = Barrier()

    @server.tool()
    async def who() -> dict[str, Any]:
        return _described(get_access_token)

    @server.tool()
    async def meet() -> dict[str, Any]:
        await barrier.wait()
        return _described(get_access_token)

    return server.streamable_http_app(**options)


def fastmcp_server(**options: Any) -> Starlette:
    """Return a server of FastMCP whose tools tell what they know about the caller."""
    server = FastMCP("contacts")
    barrier = Barrier()

    @server.tool
    async def who() -> dict[str, Any]:
        return _described(fastmcp_access_token)

    @server.tool
    async def meet() -> dict[str, Any]:
        await barrier.wait()
        return _described(fastmcp_access_token)

    return server.http_app(**options)


SERVERS = {"sdk": sdk_server, "fastmcp": fastmcp_server}


def guarded(app: Starlette, issuer: FakeIssuer, **arguments: Any) -> BearerMiddleware:
    """Return a server behind the guard, as a user writes it."""
    arguments.setdefault("verifier", issuer.verifier())
    return BearerMiddleware(AccessTokenMiddleware(app), **arguments)


@asynccontextmanager
async def serving(app: Any) -> AsyncGenerator[httpx2.AsyncClient]:
    """Run the lifespan of `app` and yield an HTTP client for it."""
    async with run_asgi_lifespan(app), http_client(app) as http:
        yield http


def http_client(app: Any, token: str | None = None) -> httpx2.AsyncClient:
    """Return an HTTP client whose responses stream, as those of a real server do."""
    headers = {} if token is None else bearer(token)
    transport = StreamingASGITransport(app)
    return httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)


@asynccontextmanager
async def session(app: Any, token: str, mode: Any = "legacy") -> AsyncGenerator[Client]:
    """Yield a session of the SDK's client; only the mode `legacy` has a session id."""
    async with (
        http_client(app, token) as http,
        Client(streamable_http_client(URL, http_client=http), mode=mode) as client,
    ):
        yield client


async def called(client: Client, tool: str = "who") -> dict[str, Any]:
    """Call a tool and return what it returned."""
    content: dict[str, Any] | None = (await client.call_tool(tool, {})).structured_content
    assert content is not None
    return content


async def open_session(http: httpx2.AsyncClient, token: str) -> str:
    """Initialize a session and return its id."""
    response = await http.post("/mcp", json=INITIALIZE, headers=bearer(token) | MEDIA_TYPES)
    assert response.status_code == 200
    session_id: str = response.headers["mcp-session-id"]
    return session_id


async def send_to_session(
    http: httpx2.AsyncClient, token: str, session_id: str, method: str = "POST"
) -> int:
    """Send a request of the session and return the status."""
    headers = bearer(token) | MEDIA_TYPES | {"mcp-session-id": session_id}
    message = LIST_TOOLS if method == "POST" else None
    async with http.stream(method, "/mcp", headers=headers, json=message) as response:
        return response.status_code
