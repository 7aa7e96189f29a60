"""fastmcp's JWTVerifier in the MCP SDK's bearer middleware, mounted as FastMCP mounts them."""

from fastmcp.server.auth.providers.jwt import JWTVerifier
from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


async def _contacts(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    response: Response = JSONResponse({"owner": request.user.access_token.subject})
    await response(scope, receive, send)


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application."""
    verifier = JWTVerifier(jwks_uri=jwks_uri, issuer=issuer, audience=audience)
    guarded = RequireAuthMiddleware(_contacts, required_scopes=["read:contacts"])
    return Starlette(routes=[Route("/contacts", guarded)], middleware=verifier.get_middleware())
