"""A tool behind access tokens, with the MCP Python SDK. Start it with `uvicorn main:app`."""

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer

from asgi_bearer import BearerMiddleware, JWTVerifier
from asgi_bearer.mcp import AccessTokenMiddleware

server = MCPServer("items")


@server.tool()
def list_items() -> dict[str, str | None]:
    """List the items of the caller."""
    token = get_access_token()
    return {"owner": token.subject if token else None}


verifier = JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/items")
app = BearerMiddleware(
    AccessTokenMiddleware(server.streamable_http_app()),
    verifier=verifier,
    scopes={"read:items"},
)
