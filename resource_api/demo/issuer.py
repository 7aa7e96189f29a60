"""The demo's authorization server: its metadata, its key set and its token endpoint."""

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from resource_api.demo.client_authentication import METHODS
from resource_api.demo.keys import SigningKey
from resource_api.demo.registrations import Api, Client
from resource_api.demo.token_endpoint import GRANT_TYPE, TokenEndpoint

KEY_SET_MAX_AGE = 600
"""Seconds; how long a reader may keep the key set, and so how late it may hear of a new key."""


def create_issuer(
    *,
    issuer: str,
    key: SigningKey,
    client: Client,
    api: Api,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return the authorization server as an ASGI application.

    Arguments:
        issuer: its identifier, with the final slash that Auth0's have; also its address.
        clock: seconds since the epoch.
    """
    # Only what exists is told (RFC 8414 §2). No response type does, for want of an authorization
    # endpoint; the member is required all the same.
    metadata = {
        "issuer": issuer,
        "jwks_uri": f"{issuer}.well-known/jwks.json",
        "token_endpoint": f"{issuer}oauth/token",
        "token_endpoint_auth_methods_supported": list(METHODS),
        "grant_types_supported": [GRANT_TYPE],
        "response_types_supported": list[str](),
        "scopes_supported": list(api.scopes),
    }

    async def show_metadata(request: Request) -> Response:
        return JSONResponse(metadata)

    async def show_key_set(request: Request) -> Response:
        headers = {"Cache-Control": f"public, max-age={KEY_SET_MAX_AGE}"}
        return JSONResponse({"keys": [key.public_jwk()]}, headers=headers)

    token_endpoint = TokenEndpoint(issuer, key, client, api, clock)
    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", show_metadata),
            Route("/.well-known/oauth-authorization-server", show_metadata),
            Route("/.well-known/jwks.json", show_key_set),
            Route("/oauth/token", token_endpoint.respond, methods=["POST"]),
        ]
    )
