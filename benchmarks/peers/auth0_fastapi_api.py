"""auth0-fastapi-api's `require_auth` dependency.

The library requires https, so this adapter changes its URLs back to http in the documented
`custom_fetch`, and patches `normalize_domain`, which compares issuers, to treat `http://` like
`https://`. The library identifies an issuer by its host and always discovers the key set;
`custom_fetch` reads the metadata from the path at which the drills serve it.
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
    # The library itself also uses a new client for each fetch, without limits.
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
