"""PyJWT's PyJWKClient in a FastAPI dependency, the most common recipe.

The dependency is a plain function, because FastAPI runs those in a thread and fetching keys blocks.
PyJWT does not define responses; here each of its errors is a 401, as in most recipes.
"""

from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> FastAPI:
    """Return the application."""
    jwks_client = jwt.PyJWKClient(jwks_uri)

    def claims(
        credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())],
    ) -> dict[str, Any]:
        token = credentials.credentials
        try:
            key = jwks_client.get_signing_key_from_jwt(token)
            claims = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)
        except jwt.PyJWTError as err:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
        if "read:contacts" not in claims.get("scope", "").split():
            raise HTTPException(403)
        return claims

    app = FastAPI()

    @app.get("/contacts")
    async def contacts(claims: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, str]:
        return {"owner": claims["sub"]}

    return app


def make_unguarded_app() -> FastAPI:
    """Return the same application without a guard."""
    app = FastAPI()

    @app.get("/contacts")
    async def contacts() -> dict[str, str]:
        return {"owner": "anonymous"}

    return app
