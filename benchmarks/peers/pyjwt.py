"""PyJWT's PyJWKClient in a FastAPI dependency, the commonest recipe.

The dependency is a plain function, so that FastAPI runs it in a thread: fetching keys blocks. Its
documentation says nothing of answers; here each error of PyJWT is a 401, as recipes have it.
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
            found = jwt.decode(token, key, algorithms=["RS256"], audience=audience, issuer=issuer)
        except jwt.PyJWTError as err:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"}) from err
        if "read:contacts" not in found.get("scope", "").split():
            raise HTTPException(403)
        return found

    app = FastAPI()

    @app.get("/contacts")
    async def contacts(claims: Annotated[dict[str, Any], Depends(claims)]) -> dict[str, str]:
        return {"owner": claims["sub"]}

    return app


def make_open_app() -> FastAPI:
    """Return the same application without a guard."""
    app = FastAPI()

    @app.get("/contacts")
    async def contacts() -> dict[str, str]:
        return {"owner": "anybody"}

    return app
