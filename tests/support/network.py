"""A network in memory: ASGI applications by origin, which can be switched off."""

from collections.abc import Awaitable, Callable, Mapping

import httpx
from starlette.types import ASGIApp


class Network(httpx.AsyncBaseTransport):
    """Sends requests to applications; an origin in `off` does not answer."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._transports = {
            address: httpx.ASGITransport(app, raise_app_exceptions=False)
            for address, app in apps.items()
        }
        self.off: set[str] = set()
        self.sent: list[httpx.Request] = []
        self.meanwhile: Callable[[httpx.Request], Awaitable[None]] | None = None
        """Called before each request reaches its application."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        self.sent.append(request)
        if self.meanwhile is not None:
            await self.meanwhile(request)
        address = f"{request.url.scheme}://{request.url.netloc.decode()}/"
        if address in self.off:
            raise httpx.ConnectError("switched off", request=request)
        return await self._transports[address].handle_async_request(request)
