"""fastapi-identity-model's middleware on py-identity-model.

It always discovers the key set, at the address that it is given. The metadata of the drills names
an issuer and its key set alone, so `validate_required_parameters`, which asks for what concerns ID
tokens, is patched away.
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
