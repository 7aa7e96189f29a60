"""Behind a prefix, as with `uvicorn --root-path /x` or a mount: addresses keep it."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer.keys import RemoteKeys
from resource_api.app import create_app
from resource_api.contacts.store import ContactStore
from resource_api.settings import Settings
from tests.support.asgi import bearer
from tests.support.fake_issuer import FakeClock, FakeIssuer


@pytest.fixture(params=["/x", "/x/", "mounted"])
async def prefixed(
    request: pytest.FixtureRequest,
    settings: Settings,
    keys: RemoteKeys,
    store: ContactStore,
    issuer: FakeIssuer,
    clock: FakeClock,
) -> AsyncGenerator[httpx.AsyncClient]:
    """The API behind /x, and a caller who may read and write."""
    given = create_app(settings, keys=keys, store=store, clock=clock)
    root: str = request.param

    async def behind_a_prefix(scope: Scope, receive: Receive, send: Send) -> None:
        # As uvicorn does: it puts the prefix before what the proxy has left.
        path = root + scope["path"].removeprefix("/x")
        changed = {"path": path, "raw_path": path.encode(), "root_path": root}
        await given({**scope, **changed}, receive, send)

    mounted = Starlette(routes=[Mount("/x", given)])
    app: ASGIApp = mounted if root == "mounted" else behind_a_prefix
    headers = bearer(issuer.token(scope="read:contacts write:contacts"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://api.example", headers=headers
    ) as http:
        yield http


async def test_a_new_contact_is_found_where_its_location_says(prefixed: httpx.AsyncClient) -> None:
    made = await prefixed.post("/x/contacts", json={"name": "Bob"})
    found = await prefixed.get(made.headers["location"])

    assert made.headers["location"] == f"/x/contacts/{made.json()['id']}"
    assert (found.status_code, found.json()["name"]) == (200, "Bob")


async def test_the_next_page_is_found_where_the_link_says(prefixed: httpx.AsyncClient) -> None:
    for name in ("Ann", "Bob"):
        await prefixed.post("/x/contacts", json={"name": name})
    first = await prefixed.get("/x/contacts?limit=1")

    second = await prefixed.get(first.url.join(first.links["next"]["url"]))

    assert second.url.path == "/x/contacts"
    assert [contact["name"] for contact in second.json()["contacts"]] == ["Bob"]


async def test_the_description_names_the_prefix(prefixed: httpx.AsyncClient) -> None:
    described = await prefixed.get("/x/openapi.json", headers={"authorization": ""})

    assert described.json()["servers"] == [{"url": "/x"}]


async def test_the_probes_are_open(prefixed: httpx.AsyncClient) -> None:
    answer = await prefixed.get("/x/healthz", headers={"authorization": ""})

    assert answer.status_code == 200
