"""jwks-client's FastAPI dependency; it leaves scopes to the application."""

from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Security
from jwks_client import JWKSClient, JWTVerifier
from jwks_client.fastapi import JWKSBearer


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> FastAPI:
    """Return the application."""
    verifier = JWTVerifier(
        JWKSClient(jwks_uri), algorithms=["RS256"], audience=audience, issuer=issuer
    )
    bearer = JWKSBearer(verifier)

    async def reader(claims: Annotated[dict[str, Any], Security(bearer)]) -> dict[str, Any]:
        if "read:contacts" not in claims.get("scope", "").split():
            raise HTTPException(403)
        return claims

    app = FastAPI()

    @app.get("/contacts")
    async def contacts(claims: Annotated[dict[str, Any], Depends(reader)]) -> dict[str, str]:
        return {"owner": claims["sub"]}

    return app
