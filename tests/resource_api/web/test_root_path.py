"""Behind a path prefix, as with `uvicorn --root-path /x` or a mount, addresses keep the prefix."""

from collections.abc import AsyncGenerator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer.keys import RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api.app import create_app
from resource_api.contacts.store import ContactStore
from resource_api.settings import Settings
from tests.support.asgi import bearer


@pytest.fixture(params=["/x", "/x/", "mounted"])
async def prefixed(
    request: pytest.FixtureRequest,
    settings: Settings,
    keys: RemoteKeys,
    store: ContactStore,
    issuer: FakeIssuer,
    clock: FakeClock,
) -> AsyncGenerator[httpx.AsyncClient]:
    """A caller with both scopes of the API behind the prefix /x."""
    unprefixed = create_app(settings, keys=keys, store=store, clock=clock)
    root: str = request.param

    async def behind_a_prefix(scope: Scope, receive: Receive, send: Send) -> None:
        # As uvicorn does: the proxy has removed the prefix, and uvicorn adds it.
        path = root + scope["path"].removeprefix("/x")
        changed = {"path": path, "raw_path": path.encode(), "root_path": root}
        await unprefixed({**scope, **changed}, receive, send)

    mounted = Starlette(routes=[Mount("/x", unprefixed)])
    app: ASGIApp = mounted if root == "mounted" else behind_a_prefix
    headers = bearer(issuer.token(scope="read:contacts write:contacts"))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="https://api.example", headers=headers
    ) as http:
        yield http


async def test_the_location_of_a_new_contact_has_the_prefix(prefixed: httpx.AsyncClient) -> None:
    made = await prefixed.post("/x/contacts", json={"name": "Bob"})
    found = await prefixed.get(made.headers["location"])

    assert made.headers["location"] == f"/x/contacts/{made.json()['id']}"
    assert (found.status_code, found.json()["name"]) == (200, "Bob")


async def test_the_link_to_the_next_page_works_behind_the_prefix(
    prefixed: httpx.AsyncClient,
) -> None:
    for name in ("Ann", "Bob"):
        await prefixed.post("/x/contacts", json={"name": name})
    first = await prefixed.get("/x/contacts?limit=1")

    second = await prefixed.get(first.url.join(first.links["next"]["url"]))

    assert second.url.path == "/x/contacts"
    assert [contact["name"] for contact in second.json()["contacts"]] == ["Bob"]


async def test_the_openapi_document_names_the_prefix(prefixed: httpx.AsyncClient) -> None:
    described = await prefixed.get("/x/openapi.json", headers={"authorization": ""})

    assert described.json()["servers"] == [{"url": "/x"}]


async def test_the_probes_need_no_token_behind_the_prefix(prefixed: httpx.AsyncClient) -> None:
    answer = await prefixed.get("/x/healthz", headers={"authorization": ""})

    assert answer.status_code == 200
