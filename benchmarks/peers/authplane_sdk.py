"""authplane-sdk in a Starlette endpoint: it has no middleware.

Its documented `dev_mode` allows http and loopback. It always discovers the key set. If the issuer
is unreachable at the start, the application does not start; without lifespan the first request
creates the client, and other requests wait for a lock of this module. The responses come from the
library's `response_headers_for`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from authplane import AuthplaneClient, AuthplaneError, AuthplaneResource, response_headers_for
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


def make_app(*, issuer: str, audience: str, jwks_uri: str) -> Starlette:
    """Return the application."""
    created: list[AuthplaneResource] = []
    creating = asyncio.Lock()
    closing = AsyncExitStack()

    async def resource() -> AuthplaneResource:
        async with creating:
            if not created:
                client = await AuthplaneClient.create(issuer=issuer, dev_mode=True)
                closing.push_async_callback(client.aclose)
                created.append(client.resource(resource=audience, scopes=["read:contacts"]))
        return created[0]

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with closing:
            await resource()
            yield

    async def contacts(request: Request) -> JSONResponse:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            claims = await (await resource()).verify(token)
            claims.require_scope("read:contacts")
        except AuthplaneError as err:
            status, headers = response_headers_for(err)
            return JSONResponse({"error": type(err).__name__}, status, headers)
        return JSONResponse({"owner": claims.sub})

    return Starlette(routes=[Route("/contacts", contacts)], lifespan=lifespan)
