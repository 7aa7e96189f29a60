"""Tests the server without an identity provider: `pytest` runs them."""

import asyncio

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from asgi_bearer.testing import FakeIssuer
from examples.mcp.main import app, server, verifier

URL = "http://127.0.0.1:8000/mcp"


async def call(token: str) -> object:
    headers = {"Authorization": f"Bearer {token}"}
    transport = httpx2.ASGITransport(app)
    async with (
        httpx2.AsyncClient(transport=transport, headers=headers) as http,
        Client(streamable_http_client(URL, http_client=http)) as client,
    ):
        return (await client.call_tool("list_items", {})).structured_content


async def status(token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), headers=headers) as http:
        return (await http.post(URL)).status_code


async def tools() -> None:
    with FakeIssuer.instead_of(verifier) as issuer:
        async with server.session_manager.run():
            assert await status("forged") == 401
            assert await status(issuer.token(scope="openid")) == 403
            assert await call(issuer.token(scope="read:items", sub="bob")) == {"owner": "bob"}


def test_tools() -> None:
    asyncio.run(tools())
