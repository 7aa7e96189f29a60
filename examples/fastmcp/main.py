"""Tools behind access tokens, with FastMCP. Start it with `uvicorn main:app`."""

from fastmcp import FastMCP
from fastmcp.server.auth import require_scopes
from fastmcp.server.dependencies import get_access_token

from asgi_bearer import BearerMiddleware, JWTVerifier
from asgi_bearer.mcp import AccessTokenMiddleware

server = FastMCP("items")


@server.tool
def list_items() -> dict[str, str | None]:
    """List the items of the caller."""
    token = get_access_token()
    return {"owner": token.subject if token else None}


@server.tool(auth=require_scopes("write:items"))
def delete_items() -> None:
    """Delete the items of the caller."""


verifier = JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/items")
app = BearerMiddleware(
    AccessTokenMiddleware(server.http_app()),
    verifier=verifier,
    scopes={"read:items"},
)
