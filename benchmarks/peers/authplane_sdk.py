"""authplane-sdk, which has no middleware: its client is made at the start, an endpoint calls it.

`dev_mode` is its documented switch for http and loopback. It always discovers the key set. An
issuer that is dead at the start ends the start; without lifespan the first request makes the
client, and the lock that others wait on meanwhile is this module's. The answers are those of its
own `response_headers_for`.
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
    made: list[AuthplaneResource] = []
    making = asyncio.Lock()
    closing = AsyncExitStack()

    async def resource() -> AuthplaneResource:
        async with making:
            if not made:
                client = await AuthplaneClient.create(issuer=issuer, dev_mode=True)
                closing.push_async_callback(client.aclose)
                made.append(client.resource(resource=audience, scopes=["read:contacts"]))
        return made[0]

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
