"""The probes /healthz and /readyz."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from asgi_bearer import remote_keys
from asgi_bearer.keys import Document, FetchFailed, RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api.app import create_app
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactStore
from resource_api.database.connect import connect
from resource_api.probes import Probes
from resource_api.settings import Settings
from tests.resource_api.conftest import KEYS_ADDRESS, Api
from tests.resource_api.contacts.test_endpoints import problem
from tests.support.asgi import bearer, client
from tests.support.documents import FakeDocuments
from tests.support.lifespan import running

FRESH, SERVING = 600, 4200
"""How long fetched keys are fresh, and how long they can be used: the library's defaults."""


async def test_readiness_tells_the_age_of_the_keys(api: Api, clock: FakeClock) -> None:
    assert (await api.client.get("/readyz")).json()["keys"]["state"] == "fresh"
    clock.advance(90)

    answer = await api.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "status": "ok",
        "database": "ok",
        "keys": {"state": "fresh", "age": 90, "serves": SERVING - 90, "next_attempt": 390},
    }


async def test_a_process_stays_ready_while_its_issuer_is_briefly_down(
    api: Api, clock: FakeClock
) -> None:
    await api.client.get("/readyz")
    api.documents.documents[KEYS_ADDRESS] = FetchFailed("down")
    clock.advance(FRESH + 1)

    answer = await api.client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {
        "status": "degraded",
        "database": "ok",
        "keys": {
            "state": "stale",
            "age": FRESH + 1,
            "serves": SERVING - FRESH - 1,
            "next_attempt": 1,
        },
    }


async def test_a_process_whose_keys_expired_is_not_ready(api: Api, clock: FakeClock) -> None:
    await api.client.get("/readyz")
    api.documents.documents[KEYS_ADDRESS] = FetchFailed("secret reason")
    clock.advance(SERVING + 1)

    answer = await api.client.get("/readyz")

    assert problem(answer, 503)["detail"] == "Not ready: the keys."
    assert answer.json()["keys"] == {
        "state": "expired",
        "age": SERVING + 1,
        "serves": 0,
        "next_attempt": 1,
    }
    assert "secret" not in answer.text
    assert "retry-after" in answer.headers


async def test_a_process_that_never_had_keys_is_not_ready_until_it_gets_them(
    store: ContactStore, keys: RemoteKeys, documents: FakeDocuments, clock: FakeClock
) -> None:
    good = documents.documents[KEYS_ADDRESS]
    documents.documents[KEYS_ADDRESS] = FetchFailed("down")
    problem(await ask(store, keys, "/readyz"), 503)
    documents.documents[KEYS_ADDRESS] = good
    clock.advance(120)

    assert (await ask(store, keys, "/readyz")).status_code == 200


class HangingStore(SqlContactStore):
    """A database that accepts a query and never answers."""

    async def ping(self) -> None:
        await asyncio.Event().wait()


@pytest.fixture(params=["lost", "hanging"])
async def failing(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[ContactStore]:
    """A store that does not answer."""
    (tmp_path / "lost").write_bytes(b"no database" * 1000)
    engine = connect(f"sqlite:///{tmp_path}/lost")
    store = SqlContactStore(engine) if request.param == "lost" else HangingStore(engine)
    yield store
    await store.aclose()


async def ask(store: ContactStore, keys: RemoteKeys, path: str) -> httpx.Response:
    """Return the answer of a probe with this store and these keys."""
    app = Starlette(routes=Probes(store, keys, ping_seconds=1.0).routes())
    async with client(app) as probing:
        return await probing.get(path)


async def test_a_process_without_its_database_is_alive_but_not_ready(
    failing: ContactStore, keys: RemoteKeys
) -> None:
    ready = await ask(failing, keys, "/readyz")
    alive = await ask(failing, keys, "/healthz")

    assert problem(ready, 503)["detail"] == "Not ready: the database."
    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})


class CountingStore(SqlContactStore):
    """A slow database that counts its pings."""

    pings = 0
    was_pinged: asyncio.Event

    async def ping(self) -> None:
        self.pings += 1
        self.was_pinged.set()
        await asyncio.sleep(0)
        await super().ping()


async def test_requests_for_readiness_at_the_same_time_share_one_ping(
    tmp_path: Path, keys: RemoteKeys
) -> None:
    """A client that disconnects does not cancel the ping of the others."""
    store = CountingStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))
    store.was_pinged = asyncio.Event()
    app = Starlette(routes=Probes(store, keys).routes())

    async with client(app) as probing:
        requests = [asyncio.create_task(probing.get("/readyz")) for _ in range(100)]
        await store.was_pinged.wait()
        requests.pop(0).cancel()
        answers = await asyncio.gather(*requests)
        assert {answer.status_code for answer in answers} == {200}
        assert store.pings == 1
        await probing.get("/readyz")

    assert store.pings == 2
    await store.aclose()


class ObservedDocuments(FakeDocuments):
    """Documents with an event for the first fetch."""

    def __init__(self, documents: Mapping[str, object]) -> None:
        super().__init__(documents)
        self.first = asyncio.Event()

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        self.first.set()
        return await super().__call__(url, etag=etag)


async def test_the_api_fetches_the_keys_at_its_start(
    settings: Settings, store: ContactStore, documents: FakeDocuments
) -> None:
    observed = ObservedDocuments(documents.documents)
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=observed)

    async with running(create_app(settings, keys=keys, store=store)), asyncio.timeout(60):
        await observed.first.wait()


async def test_the_api_starts_while_its_issuer_is_down(
    settings: Settings, store: ContactStore
) -> None:
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=FakeDocuments({}))
    app = create_app(settings, keys=keys, store=store)

    async with running(app), client(app) as probing:
        alive = await probing.get("/healthz")
        guarded = await probing.get("/contacts", headers={"authorization": "Bearer a.b.c"})

    assert alive.status_code == 200
    assert guarded.status_code == 401  # not a JWT, so no key is needed to refuse it


async def test_without_keys_a_token_gets_503_and_no_challenge(
    settings: Settings, store: ContactStore, issuer: FakeIssuer, clock: FakeClock
) -> None:
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=FakeDocuments({}))
    app = create_app(settings, keys=keys, store=store, clock=clock)

    async with running(app), client(app) as calling:
        answer = await calling.get("/contacts", headers=bearer(issuer.token()))

    problem(answer, 503)
    assert "retry-after" in answer.headers
    assert "www-authenticate" not in answer.headers


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/openapi.json"])
async def test_a_path_without_a_guard_ignores_an_invalid_token(api: Api, path: str) -> None:
    answer = await api.client.get(path, headers={"authorization": "Bearer x"})

    assert answer.status_code == 200
