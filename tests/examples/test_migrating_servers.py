"""docs/migrating: the rewritten applications of FastMCP and of Authlib work."""

import re
from typing import Any

from fastmcp import Client
from fastmcp.utilities.asgi_transport import run_asgi_lifespan
from fastmcp.utilities.tests import ASGIServer

from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client
from tests.support.demo_process import CHECKOUT


def rewritten(name: str) -> dict[str, Any]:
    """Return the names that the application below the heading `After` defines."""
    page = (CHECKOUT / "docs" / "migrating" / f"{name}.md").read_text(encoding="utf-8")
    match = re.search(r"^## After\n+```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert match is not None
    names: dict[str, Any] = {"__name__": name}
    exec(compile(match[1], f"{name}.py", "exec"), names)  # noqa: S102 - a page of this repository
    return names


async def test_the_server_of_fastmcp_works() -> None:
    names = rewritten("fastmcp")
    app = names["app"]
    served = ASGIServer("http://127.0.0.1:8000/mcp", app, "http")

    with FakeIssuer.instead_of(names["verifier"]) as issuer:
        reader, other = issuer.token(scope="read:items", sub="bob"), issuer.token(scope="openid")
        async with run_asgi_lifespan(app):
            async with served.http_client() as http:
                assert (await http.post("/mcp")).status_code == 401
                assert (await http.post("/mcp", headers=bearer(other))).status_code == 403
            async with Client(served.transport(auth=reader)) as mcp:
                found = (await mcp.call_tool("list_items")).data

    assert found == {"owner": "bob", "scopes": ["read:items"]}


async def test_the_application_of_authlib_works() -> None:
    names = rewritten("authlib")
    app = names["app"]

    with FakeIssuer.instead_of(names["verifier"]) as issuer:
        reader = bearer(issuer.token(scope="read:items", sub="bob"))
        other = bearer(issuer.token(scope="openid", sub="bob"))

        assert (await client(app).get("/me")).status_code == 401
        assert (await client(app).get("/me", headers=other)).json() == {"subject": "bob"}
        assert (await client(app).get("/items", headers=other)).status_code == 403
        assert (await client(app).get("/items", headers=reader)).json() == {"owner": "bob"}
