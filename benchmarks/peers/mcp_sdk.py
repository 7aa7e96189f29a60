"""The MCP SDK's bearer middlewares, mounted as the SDK mounts them, with PyJWT in the verifier.

The SDK leaves the verification to an asynchronous method of the application. This one uses a key
that was loaded at the start, which is the fastest way.
"""

from dataclasses import dataclass

import jwt
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True, slots=True)
class _Verifier:
    key: jwt.PyJWK
    audience: str
    issuer: str

    async def verify_token(self, token: str) -> AccessToken | None:
        try:
            claims = jwt.decode(
                token,
                self.key,
                algorithms=["RS256"],
                audience=self.audience,
                issuer=self.issuer,
                options={"require": ["exp"]},
            )
        except jwt.InvalidTokenError:
            return None
        return AccessToken(
            token=token,
            client_id=claims["azp"],
            scopes=claims["scope"].split(),
            expires_at=claims["exp"],
            subject=claims["sub"],
            claims=claims,
        )


async def _contacts(scope: Scope, receive: Receive, send: Send) -> None:
    request = Request(scope)
    response: Response = JSONResponse({"owner": request.user.access_token.subject})
    await response(scope, receive, send)


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application."""
    (key,) = jwt.PyJWKClient(jwks_uri).get_signing_keys()
    backend = BearerAuthBackend(_Verifier(key=key, audience=audience, issuer=issuer))
    guarded = RequireAuthMiddleware(_contacts, required_scopes=["read:contacts"])
    return Starlette(
        routes=[Route("/contacts", guarded)],
        middleware=[
            Middleware(AuthenticationMiddleware, backend=backend),
            Middleware(AuthContextMiddleware),
        ],
    )
