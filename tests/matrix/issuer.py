"""The issuer whose keys all servers of the matrix fetch."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asgi_bearer.testing import FakeIssuer, signing_key
from tests.matrix.variables import SCOPE
from tests.support.demo_process import free_ports


class Issuer:
    """An issuer on loopback, with an address of the keys for each process that fetches them.

    The first response to a process has the first key, later ones have the second key as well.
    """

    def __init__(self, port: int) -> None:
        self._origin = f"http://127.0.0.1:{port}"
        self._issuer = FakeIssuer(clock=time.time)
        self._later = FakeIssuer(key=signing_key("ES256", "k2", number=2), clock=time.time)
        self._fetched: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)
        self.identifier = self._issuer.issuer
        self.audience = self._issuer.audience
        self.app = Starlette(routes=[Route("/keys/{process}", self._keys)])

    async def _keys(self, request: Request) -> Response:
        fetched = self._fetched[request.path_params["process"]]
        later = [self._later.key] if fetched.is_set() else []
        fetched.set()
        return JSONResponse(self._issuer.jwks(*later))

    def jwks_uri(self, process: str) -> str:
        """Return the address from which this process fetches the keys."""
        return f"{self._origin}/keys/{process}"

    def fetched(self, process: str) -> asyncio.Event:
        """Return what is set when this process has fetched the keys."""
        return self._fetched[process]

    def token(self, scope: str = SCOPE) -> str:
        """Return a valid token with these scopes."""
        return self._issuer.token(scope=scope)

    def later_token(self) -> str:
        """Return a valid token that the second key signed: a process must fetch the keys again."""
        return self._later.token(scope=SCOPE)


@asynccontextmanager
async def serving_issuer() -> AsyncGenerator[Issuer]:
    """Serve the keys while the `async with` block runs."""
    (port,) = free_ports(1)
    issuer = Issuer(port)
    config = uvicorn.Config(issuer.app, port=port, log_config=None, ws="none", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield issuer
    finally:
        server.should_exit = True
        await serving
