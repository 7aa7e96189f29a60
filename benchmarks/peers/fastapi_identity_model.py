"""fastapi-identity-model's middleware on py-identity-model.

It always discovers the key set, from a given URL. The metadata of the drills contains only `issuer`
and `jwks_uri`, so this adapter disables `validate_required_parameters`, which also requires members
for ID tokens.
"""

from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi_identity_model import TokenValidationMiddleware, require_scope
from py_identity_model.core import response_processors


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> FastAPI:
    """Return the application."""
    response_processors.validate_required_parameters = lambda _: None
    app = FastAPI()
    app.add_middleware(
        TokenValidationMiddleware,
        discovery_url=issuer.rstrip("/") + "/.well-known/oauth-authorization-server",
        audience=audience,
    )

    @app.get("/contacts", dependencies=[Depends(require_scope("read:contacts"))])
    async def contacts(request: Request) -> dict[str, Any]:
        return {"owner": request.state.claims["sub"]}

    return app
