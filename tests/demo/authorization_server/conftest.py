"""The authorization server in-process: one key for all tests, a new state for each test."""

import asyncio
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.server import Server
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import Issuing
from tests.support.authorization_server import example_registrations
from tests.support.authorization_server.back_channel import BackChannel
from tests.support.authorization_server.example_registrations import ISSUER
from tests.support.user_agent import UserAgent

ORIGIN = "http://127.0.0.1:9000"


@pytest.fixture
def keys() -> SigningKeys:
    return example_registrations.signing_keys()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def registrations() -> Registrations:
    return example_registrations.registrations()


@pytest.fixture(scope="session")
def empty_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an empty state; created once, because creating tables is slow."""
    folder = tmp_path_factory.mktemp("state")

    async def make() -> None:
        async with example_registrations.opened_state(folder, FakeClock()):
            pass

    asyncio.run(make())
    return folder


@pytest.fixture
async def state(tmp_path: Path, empty_state: Path, clock: FakeClock) -> AsyncGenerator[State]:
    """An empty state in a file of its own."""
    shutil.copytree(empty_state, tmp_path, dirs_exist_ok=True)
    async with example_registrations.opened_state(tmp_path, clock) as state:
        yield state


@pytest.fixture
def issuing(
    registrations: Registrations, keys: SigningKeys, state: State, clock: FakeClock
) -> Issuing:
    server = Server(issuer=ISSUER, registrations=registrations, keys=keys, state=state, clock=clock)
    return Issuing(server)


@pytest.fixture
def app(
    registrations: Registrations, keys: SigningKeys, state: State, clock: FakeClock
) -> Starlette:
    return create_authorization_server(
        issuer=ISSUER, registrations=registrations, keys=keys, state=state, clock=clock
    )


@pytest.fixture
async def http(app: Starlette) -> AsyncGenerator[httpx.AsyncClient]:
    """An HTTP client with the issuer as base URL; exceptions of the application reach the test."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER, trust_env=False) as client:
        yield client


@pytest.fixture
async def browser(app: Starlette) -> AsyncGenerator[UserAgent]:
    """A browser that can reach the authorization server only."""
    async with UserAgent({ORIGIN: app}) as browser:
        yield browser


@pytest.fixture
def back_channel(http: httpx.AsyncClient, state: State) -> BackChannel:
    """The requests that clients send."""
    return BackChannel(http, state)
