"""Our authorization server on a free port of this machine, and what is registered there."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import uvicorn
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from starlette.types import ASGIApp

from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_key import SigningKey, SigningKeys
from demo.authorization_server.registrations.model import (
    RESPONSE_TYPES,
    Api,
    Client,
    Registrations,
    User,
)
from demo.authorization_server.state.state import State
from resource_api.database.connect import connect
from resource_api.server import bind
from resource_api.web.connection_limits import LimitedHttp

AUDIENCE = "https://api.example/contacts"
REDIRECT_URI = "http://localhost:8080/callback"
SIGNED_OUT_URI = "http://localhost:8080/"
PASSWORD = "correct horse"
TEAM_CLAIM = "https://contacts.example/team"

CONFIDENTIAL = Client(
    client_id="web-application",
    name="Contact book",
    # With everything that the two ways to send it encode differently (RFC 6749 §2.3.1).
    client_secret="a secret:with +%&= and ü in it",
    redirect_uris=(REDIRECT_URI,),
    post_logout_redirect_uris=(SIGNED_OUT_URI,),
    response_types=frozenset(RESPONSE_TYPES),
    grant_types=frozenset(
        {"authorization_code", "implicit", "refresh_token", "client_credentials"}
    ),
)
PUBLIC = Client(
    client_id="single-page",
    name="Contact page",
    client_secret=None,
    redirect_uris=(REDIRECT_URI,),
    response_types=frozenset(RESPONSE_TYPES),
    grant_types=frozenset({"authorization_code", "implicit", "refresh_token"}),
)
CONTACTS_API = Client(
    client_id="contacts-api",
    name="Contacts API",
    client_secret="the API's secret",
    introspects=frozenset({AUDIENCE}),
)


@dataclass(frozen=True, slots=True)
class OurServer:
    """A running authorization server."""

    issuer: str
    keys: SigningKeys

    @property
    def origin(self) -> str:
        """The issuer as the origin of its pages."""
        return self.issuer.removesuffix("/")


@asynccontextmanager
async def our_server(folder: Path, signing_key: SigningKey) -> AsyncGenerator[OurServer]:
    """Serve until the end of the block, with the state in this folder."""
    listening = bind("127.0.0.1", 0)
    issuer = f"http://127.0.0.1:{listening.getsockname()[1]}/"
    keys = SigningKeys(signing_key)
    state = State(connect(f"sqlite:///{folder}/authorization-server.sqlite3"))
    await state.prepare()
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
        """Leave the signals to pytest."""
        yield


def _registrations() -> Registrations:
    api = Api(
        identifier=AUDIENCE,
        name="Contacts",
        scopes=MappingProxyType(
            {"read:contacts": "Read your contacts", "write:contacts": "Change your contacts"}
        ),
        token_profile="rfc9068",
        allow_offline_access=True,
        token_lifetime=86400,
        front_channel_token_lifetime=7200,
    )
    # As cheap as can be: what a hash costs is the business of other tests.
    cheap = Argon2id(salt=b"unsalted", length=16, iterations=1, lanes=1, memory_cost=8)
    user = User(
        username="alice",
        password_hash=cheap.derive_phc_encoded(PASSWORD.encode()),
        claims=MappingProxyType({"name": "Alice Archer", TEAM_CLAIM: "red"}),
    )
    clients = (CONFIDENTIAL, PUBLIC, CONTACTS_API)
    return Registrations(
        apis=MappingProxyType({api.identifier: api}),
        clients=MappingProxyType({client.client_id: client for client in clients}),
        users=MappingProxyType({user.username: user}),
    )
