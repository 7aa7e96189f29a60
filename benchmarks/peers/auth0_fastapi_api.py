"""auth0-fastapi-api's `require_auth` dependency.

It insists on https and has no switch for that. Its documented `custom_fetch` turns the addresses
that it makes up back to http, and `normalize_domain`, by which it judges issuers, is patched to
take `http://` for `https://`. It knows issuers by their host and always discovers the key set;
`custom_fetch` reads the metadata where the drills serve it.
"""

from typing import Annotated, Any

import httpx
from auth0_api_python import api_client
from fastapi import Depends, FastAPI
from fastapi_plugin import Auth0FastAPI

_normalize_domain = api_client.normalize_domain


def _http_for_https(domain: str) -> str:
    normalized: str = _normalize_domain(domain.replace("http://", "https://", 1))
    return normalized


async def _fetch(url: str) -> httpx.Response:
    url = url.replace("https://", "http://", 1)
    url = url.replace("/openid-configuration", "/oauth-authorization-server")
    # A client for each fetch and no limits, as the library itself fetches.
    async with httpx.AsyncClient() as client:
        response = await client.get(url)
    return response.raise_for_status()


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> FastAPI:
    """Return the application."""
    api_client.normalize_domain = _http_for_https
    domain = issuer.removeprefix("http://").rstrip("/")
    auth0 = Auth0FastAPI(domain=domain, audience=audience, custom_fetch=_fetch)
    guarded = auth0.require_auth(scopes="read:contacts")
    app = FastAPI()

    @app.get("/contacts")
    async def contacts(claims: Annotated[dict[str, Any], Depends(guarded)]) -> dict[str, str]:
        return {"owner": claims["sub"]}

    return app
