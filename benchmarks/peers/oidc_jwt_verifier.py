"""oidc-jwt-verifier's Starlette middleware with its asynchronous verifier."""

from oidc_jwt_verifier import AuthConfig
from oidc_jwt_verifier.async_verifier import AsyncJWTVerifier
from oidc_jwt_verifier.integrations.starlette import BearerAuthMiddleware
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def _contacts(request: Request) -> JSONResponse:
    return JSONResponse({"owner": request.state.auth_claims["sub"]})


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application."""
    config = AuthConfig(
        issuer=issuer, audience=audience, jwks_url=jwks_uri, required_scopes=("read:contacts",)
    )
    verifier = AsyncJWTVerifier(config)
    return Starlette(
        routes=[Route("/contacts", _contacts)],
        middleware=[Middleware(BearerAuthMiddleware, verifier=verifier, realm="api")],
    )
