"""Items behind access tokens, in Connexion.

Start it with `uvicorn main:app`. ISSUER and AUDIENCE name the issuer of the tokens and this API.
"""

# Connexion has no annotations for type checkers.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

import json
import os
from typing import Any

from connexion import AsyncApp, ProblemException

from asgi_bearer import BearerMiddleware, JWTVerifier, principal, refusal

DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Items", "version": "1"},
    "components": {
        "securitySchemes": {
            "token": {
                "type": "oauth2",
                "x-tokenInfoFunc": f"{__name__}.token_info",
                "flows": {
                    "clientCredentials": {
                        "tokenUrl": "https://tenant.example/token",
                        "scopes": {"read:items": "read the items"},
                    }
                },
            }
        }
    },
    "security": [{"token": []}],
    "paths": {
        "/healthz": {
            "get": {
                "operationId": f"{__name__}.health",
                "security": [],
                "responses": {"200": {"description": "ok", "content": {"text/plain": {}}}},
            }
        },
        "/items": {
            "get": {
                "operationId": f"{__name__}.items",
                "security": [{"token": ["read:items"]}],
                "responses": {"200": {"description": "the items"}},
            }
        },
    },
}


def token_info(_token: str, request: Any, required_scopes: list[str]) -> dict[str, Any]:
    """Let a request pass only if its token has the scopes that the document names."""
    if refused := refusal(request.scope, *required_scopes):
        headers = {
            name.decode(): value.decode()
            for name, value in refused.headers
            if not name.startswith(b"content-")
        }
        problem = json.loads(refused.body)
        raise ProblemException(status=refused.status, headers=headers, ext=problem)
    caller = principal(request.scope)
    return {"sub": caller and caller.subject, "scope": required_scopes}


async def health() -> str:
    return "ok"


async def items(user: str) -> dict[str, str]:
    return {"owner": user}


verifier = JWTVerifier(
    issuer=os.environ.get("ISSUER", "https://tenant.example/"),
    audience=os.environ.get("AUDIENCE", "https://api.example/items"),
)
api = AsyncApp(__name__)
api.add_api(DOCUMENT)
app = BearerMiddleware(api, verifier=verifier, public={"GET /healthz"})
