"""Fixtures: the API in this process, with a fake issuer, a fake clock and a real database file."""

import shutil
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from asgi_bearer import remote_keys
from asgi_bearer.keys import RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api.app import create_app
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactStore
from resource_api.database.connect import connect
from resource_api.database.tables import metadata
from resource_api.settings import Settings
from tests.support.documents import FakeDocuments
from tests.support.lifespan import running

KEYS_ADDRESS = "https://issuer.example/keys"


@dataclass(frozen=True)
class Api:
    """A running application and its client."""

    settings: Settings
    app: ASGIApp
    client: httpx.AsyncClient
    issuer: FakeIssuer
    documents: FakeDocuments

    def caller(self, sub: str | None = "alice", scope: str | None = None) -> dict[str, str]:
        """Return the headers of a caller with both scopes, or with `scope`."""
        scope = "read:contacts write:contacts" if scope is None else scope
        return {"authorization": f"Bearer {self.issuer.token(sub=sub, scope=scope)}"}

    async def request(
        self, method: str, path: str, *, sub: str = "alice", **arguments: Any
    ) -> httpx.Response:
        """Send a request with a token of `sub`."""
        headers = {**self.caller(sub), **arguments.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **arguments)

    async def lose_database(self) -> None:
        """Drop the tables, so that every statement fails."""
        engine = connect(self.settings.database_url)
        async with engine.begin() as connection:
            await connection.run_sync(metadata.drop_all)
        await engine.dispose()

    async def create(self, name: str = "Bob", *, sub: str = "alice", **fields: Any) -> str:
        """Create a contact and return its path."""
        answer = await self.request("POST", "/contacts", sub=sub, json={"name": name, **fields})
        assert answer.status_code == 201
        return answer.headers["location"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def issuer(clock: FakeClock) -> FakeIssuer:
    return FakeIssuer(clock=clock)


@pytest.fixture
def settings(tmp_path: Path, issuer: FakeIssuer) -> Settings:
    return Settings(
        issuer=issuer.issuer,
        audience=(issuer.audience,),
        database_url=f"sqlite:///{tmp_path}/contacts.sqlite3",
    )


# For PostgreSQL, add a parameter here, and an engine on an empty schema of its own.
@pytest.fixture(params=["sqlite"])
async def store(
    settings: Settings, clock: FakeClock, migrated: Path, tmp_path: Path
) -> AsyncGenerator[ContactStore]:
    """An empty store."""
    shutil.copy(migrated, tmp_path / "contacts.sqlite3")
    store = SqlContactStore(connect(settings.database_url), clock=clock)
    yield store
    await store.aclose()


@pytest.fixture
def documents(issuer: FakeIssuer) -> FakeDocuments:
    return FakeDocuments({KEYS_ADDRESS: issuer.jwks()})


@pytest.fixture
def keys(documents: FakeDocuments, clock: FakeClock) -> RemoteKeys:
    return remote_keys(jwks_uri=KEYS_ADDRESS, fetch=documents, clock=clock, random=lambda: 0.0)


@pytest.fixture
async def api(
    settings: Settings,
    keys: RemoteKeys,
    store: ContactStore,
    clock: FakeClock,
    issuer: FakeIssuer,
    documents: FakeDocuments,
) -> AsyncGenerator[Api]:
    app = create_app(settings, keys=keys, store=store, clock=clock)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        running(app),
        httpx.AsyncClient(transport=transport, base_url="https://api.example") as client,
    ):
        yield Api(settings, app, client, issuer, documents)
