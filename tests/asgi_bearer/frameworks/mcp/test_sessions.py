"""A session of an MCP server belongs to the principal that opened it."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from fastmcp import FastMCP
from fastmcp.utilities.asgi_transport import StreamingASGITransport
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette

from asgi_bearer import Presented, Principal
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.mcp.servers import (
    INITIALIZE,
    LIST_TOOLS,
    MEDIA_TYPES,
    ORIGIN,
    SERVERS,
    URL,
    called,
    guarded,
    http_client,
    open_session,
    send_to_session,
    serving,
)
from tests.support.asgi import bearer

issuer = FakeIssuer()
each_server = pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)
each_method = pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])


class Principals:
    """A verifier that accepts the tokens it is given."""

    def __init__(self, **principals: tuple[str, str | None, str | None]) -> None:
        self._principals = principals

    async def verify(self, presented: Presented) -> Principal:
        return Principal(*self._principals[presented.token], frozenset(), 1e10, {})


OTHERS = {
    "another subject": ("https://one.example", "bob", "web"),
    "another client": ("https://one.example", "alice", "app"),
    "another issuer": ("https://two.example", "alice", "web"),
    "no subject": ("https://one.example", None, "web"),
    "no client": ("https://one.example", "alice", None),
}


@each_server
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@each_method
async def test_another_principal_does_not_find_the_session(
    make: Any, other: tuple[str, str | None, str | None], method: str
) -> None:
    verifier = Principals(owner=("https://one.example", "alice", "web"), thief=other)
    app = guarded(make(), issuer, verifier=verifier)

    async with serving(app) as http:
        session_id = await open_session(http, "owner")

        assert await send_to_session(http, "thief", session_id, method) == 404
        assert await send_to_session(http, "owner", session_id) == 200


@each_server
async def test_a_session_of_a_client_without_a_subject_belongs_to_the_client(make: Any) -> None:
    one, other = issuer.token(sub=None), issuer.token(sub=None, client_id="app")

    async with serving(guarded(make(), issuer)) as http:
        session_id = await open_session(http, one)

        assert await send_to_session(http, other, session_id) == 404
        assert await send_to_session(http, one, session_id) == 200


@each_server
async def test_the_session_goes_on_with_a_new_token_of_the_same_principal(make: Any) -> None:
    app = guarded(make(), issuer)
    async with serving(app) as http:
        session_id = await open_session(http, issuer.token())

        assert await send_to_session(http, issuer.token(jti="2", scope="x"), session_id) == 200


@each_server
async def test_a_tool_sees_the_token_of_its_call_not_that_of_the_first_request(make: Any) -> None:
    app = guarded(make(), issuer)

    async with serving(app), http_client(app, issuer.token()) as http:
        transport = streamable_http_client(URL, http_client=http)
        async with Client(transport, mode="legacy") as mcp:
            first = await called(mcp)
            http.headers |= bearer(issuer.token(scope="read:contacts write:contacts"))
            second = await called(mcp)

    assert first["scopes"] == ["read:contacts"]
    assert second["scopes"] == ["read:contacts", "write:contacts"]


@each_server
async def test_a_caller_without_a_token_gets_the_challenge_not_the_session(make: Any) -> None:
    async with serving(guarded(make(), issuer)) as http:
        session_id = await open_session(http, issuer.token())
        response = await http.post("/mcp", json=LIST_TOOLS, headers={"mcp-session-id": session_id})

    assert response.status_code == 401


@each_server
async def test_an_anonymous_caller_does_not_find_the_session(make: Any) -> None:
    app = guarded(make(), issuer, optional=True)

    async with serving(app) as http:
        session_id = await open_session(http, issuer.token())
        response = await http.post("/mcp", json=LIST_TOOLS, headers={"mcp-session-id": session_id})

    assert response.status_code == 404


@each_server
async def test_a_deleted_session_is_found_by_no_caller(make: Any) -> None:
    token = issuer.token()

    async with serving(guarded(make(), issuer)) as http:
        session_id = await open_session(http, token)

        assert await send_to_session(http, token, session_id, "DELETE") == 200
        assert await send_to_session(http, token, session_id) == 404


async def test_a_server_that_is_full_refuses_new_sessions_until_one_ends() -> None:
    token = issuer.token()
    app = guarded(SERVERS["sdk"](max_sessions=1), issuer)

    async with serving(app) as http:
        session_id = await open_session(http, token)
        assert await _opening_status(http, token) == 503
        await send_to_session(http, token, session_id, "DELETE")

        assert await _opening_status(http, token) == 200


async def test_a_refused_request_opens_no_session() -> None:
    app = guarded(SERVERS["sdk"](max_sessions=1), issuer)

    async with serving(app) as http:
        for _ in range(3):
            assert await _opening_status(http, issuer.token(exp=1)) == 401

        assert await _opening_status(http, issuer.token()) == 200


def _sdk_sse() -> Starlette:
    return MCPServer("contacts").sse_app()


def _fastmcp_sse() -> Starlette:
    return FastMCP("contacts").http_app(transport="sse")


@pytest.mark.parametrize("make", [_sdk_sse, _fastmcp_sse], ids=["sdk", "fastmcp"])
async def test_messages_of_another_principal_do_not_find_an_sse_session(make: Any) -> None:
    app = guarded(make(), issuer)

    async with serving(app) as http, _sse_address(app, issuer.token()) as address:
        statuses = [
            (await http.post(address, json=INITIALIZE, headers=bearer(token))).status_code
            for token in (issuer.token(sub="bob"), issuer.token())
        ]

    assert statuses == [404, 202]


async def _opening_status(http: httpx2.AsyncClient, token: str) -> int:
    response = await http.post("/mcp", json=INITIALIZE, headers=bearer(token) | MEDIA_TYPES)
    return response.status_code


@asynccontextmanager
async def _sse_address(app: Any, token: str) -> AsyncGenerator[str]:
    """Open an SSE stream and yield the address to which its messages go."""
    # The stream ends when its application has seen that the client is gone.
    transport = StreamingASGITransport(app, cancel_on_close=False)
    async with (
        httpx2.AsyncClient(transport=transport, base_url=ORIGIN, headers=bearer(token)) as http,
        http.stream("GET", "/sse") as response,
    ):
        lines = response.aiter_lines()
        while not (line := await anext(lines)).startswith("data: "):
            pass
        yield line.removeprefix("data: ")
