"""Tests the server without an identity provider: `pytest` runs them."""

import asyncio

from fastmcp import Client
from fastmcp.utilities.asgi_transport import run_asgi_lifespan
from fastmcp.utilities.tests import ASGIServer

from asgi_bearer.testing import FakeIssuer
from examples.fastmcp.main import app, verifier


async def tools() -> None:
    served = ASGIServer("http://127.0.0.1:8000/mcp", app, "http")
    with FakeIssuer.instead_of(verifier) as issuer:
        reader = issuer.token(scope="read:items", sub="bob")
        other = {"Authorization": f"Bearer {issuer.token(scope='openid')}"}
        async with run_asgi_lifespan(app):
            async with served.http_client() as http:
                assert (await http.post("/mcp")).status_code == 401
                assert (await http.post("/mcp", headers=other)).status_code == 403
            async with Client(served.transport(auth=reader)) as client:
                assert [tool.name for tool in await client.list_tools()] == ["list_items"]
                assert (await client.call_tool("list_items")).data == {"owner": "bob"}


def test_tools() -> None:
    asyncio.run(tools())
