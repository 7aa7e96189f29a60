"""Our authorization server on a free port of this machine, and its clients."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import time
from types import MappingProxyType

import uvicorn
from starlette.types import ASGIApp

from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from resource_api.server import bind
from resource_api.web.connection_limits import LimitedHttp
from tests.support.authorization_server import example_registrations
from tests.support.authorization_server.example_registrations import (
    CONTACTS,
    REDIRECT_URI,
    opened_state,
)

AUDIENCE = CONTACTS.identifier

# The secret has every character that the two client authentication methods encode differently
# (RFC 6749 §2.3.1).
CONFIDENTIAL = replace(
    example_registrations.CONFIDENTIAL, client_secret="a secret:with +%&= and ü in it"
)
PUBLIC = replace(example_registrations.PUBLIC, redirect_uris=(REDIRECT_URI,))


@dataclass(frozen=True, slots=True)
class OurServer:
    """A running authorization server."""

    issuer: str
    keys: SigningKeys

    @property
    def origin(self) -> str:
        """The origin of its pages."""
        return self.issuer.removesuffix("/")


@asynccontextmanager
async def our_server(folder: Path) -> AsyncGenerator[OurServer]:
    """Serve until the end of the block; the state is in this folder."""
    listening = bind("127.0.0.1", 0)
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    keys = example_registrations.signing_keys()
    async with opened_state(folder, time) as state:
        app = create_authorization_server(
            issuer=issuer, registrations=_registrations(), keys=keys, state=state
        )
        async with _served(app, listening):
            yield OurServer(issuer, keys)


@asynccontextmanager
async def _served(app: ASGIApp, listening: socket.socket) -> AsyncGenerator[None]:
    config = uvicorn.Config(
        app, http=LimitedHttp, ws="none", lifespan="on", log_config=None, access_log=False
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    yield
    server.should_exit = True
    await running


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Do not handle signals; pytest does."""
        yield


def _registrations() -> Registrations:
    default = example_registrations.registrations()
    clients = {client.client_id: client for client in (CONFIDENTIAL, PUBLIC)}
    return replace(default, clients=MappingProxyType({**default.clients, **clients}))
