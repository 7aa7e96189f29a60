"""/healthz and /readyz."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from asgi_bearer import remote_keys
from asgi_bearer.keys import Document, FetchFailed, RemoteKeys
from resource_api.app import create_app
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactStore
from resource_api.database.connect import connect
from resource_api.probes import Probes
from resource_api.settings import Settings
from tests.resource_api.conftest import KEYS_ADDRESS, Api
from tests.resource_api.contacts.test_endpoints import problem
from tests.support.asgi import bearer, client
from tests.support.fake_issuer import FakeClock, FakeDocuments, FakeIssuer
from tests.support.lifespan import running

FRESH, SERVING = 600, 4200
"""Seconds; the defaults of the library's key source."""


async def test_readiness_says_how_old_the_keys_are(api: Api, clock: FakeClock) -> None:
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


async def test_a_process_is_ready_while_its_issuer_is_briefly_down(
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


async def test_a_process_whose_keys_ended_is_not_ready(api: Api, clock: FakeClock) -> None:
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
    """A database that takes the question and is silent."""

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
    """Return what the probes answer over `store`."""
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
    """A database that is slow, and counts how often it is asked."""

    asked = 0
    was_asked: asyncio.Event

    async def ping(self) -> None:
        self.asked += 1
        self.was_asked.set()
        await asyncio.sleep(0)
        await super().ping()


async def test_many_who_ask_at_once_cost_the_database_one_question(
    tmp_path: Path, keys: RemoteKeys
) -> None:
    """Anybody may ask. One of them goes away, which ends nothing for the others."""
    store = CountingStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))
    store.was_asked = asyncio.Event()
    app = Starlette(routes=Probes(store, keys).routes())

    async with client(app) as probing:
        asking = [asyncio.create_task(probing.get("/readyz")) for _ in range(100)]
        await store.was_asked.wait()
        asking.pop(0).cancel()
        answers = await asyncio.gather(*asking)
        assert {answer.status_code for answer in answers} == {200}
        assert store.asked == 1
        await probing.get("/readyz")

    assert store.asked == 2
    await store.aclose()


class NoticingDocuments(FakeDocuments):
    """Documents that tell when the first one is asked for."""

    def __init__(self, documents: Mapping[str, object]) -> None:
        super().__init__(documents)
        self.first = asyncio.Event()

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        self.first.set()
        return await super().__call__(url, etag=etag)


async def test_the_start_fetches_the_keys_before_anybody_asks(
    settings: Settings, store: ContactStore, documents: FakeDocuments
) -> None:
    noticing = NoticingDocuments(documents.documents)
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=noticing)

    async with running(create_app(settings, keys=keys, store=store)), asyncio.timeout(60):
        await noticing.first.wait()


async def test_an_issuer_that_is_down_does_not_keep_the_api_from_starting(
    settings: Settings, store: ContactStore
) -> None:
    keys = remote_keys(jwks_uri=KEYS_ADDRESS, fetch=FakeDocuments({}))
    app = create_app(settings, keys=keys, store=store)

    async with running(app), client(app) as probing:
        alive = await probing.get("/healthz")
        guarded = await probing.get("/contacts", headers={"authorization": "Bearer a.b.c"})

    assert alive.status_code == 200
    assert guarded.status_code == 401  # no JWT; its keys are not even looked for


async def test_without_keys_a_token_is_not_judged(
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
async def test_a_bad_token_does_not_close_an_open_path(api: Api, path: str) -> None:
    answer = await api.client.get(path, headers={"authorization": "Bearer x"})

    assert answer.status_code == 200
