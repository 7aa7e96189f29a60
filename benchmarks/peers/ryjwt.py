"""ryjwt's JWKSClient in a Starlette endpoint: it has no HTTP layer.

The status codes are those that its documentation lists for its errors.
"""

import ryjwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application."""
    keys = ryjwt.JWKSClient(jwks_uri, algorithms=["RS256"], audience=audience, issuer=issuer)

    async def contacts(request: Request) -> JSONResponse:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = await keys.adecode(token)
        except ryjwt.InvalidTokenError as err:
            challenge = {"WWW-Authenticate": "Bearer"}
            return JSONResponse({"error": type(err).__name__}, 401, challenge)
        except ryjwt.JWKSFetchError as err:
            return JSONResponse({"error": type(err).__name__}, 503)
        if "read:contacts" not in claims.get("scope", "").split():
            return JSONResponse({"error": "insufficient_scope"}, 403)
        return JSONResponse({"owner": claims["sub"]})

    return Starlette(routes=[Route("/contacts", contacts)])
