"""The whole application: unexpected exceptions, a missing guard, a mount, the levels of logging."""

import logging
from typing import NoReturn

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.routing import Mount

from asgi_bearer import BearerMiddleware
from asgi_bearer.keys import RemoteKeys
from asgi_bearer.testing import FakeClock, FakeIssuer
from resource_api import logs
from resource_api.app import create_app
from resource_api.contacts.endpoints import ContactEndpoints
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactStore
from resource_api.database.connect import connect
from resource_api.settings import Settings
from resource_api.web.problems import problem as handle
from tests.resource_api.conftest import Api
from tests.resource_api.contacts.test_endpoints import problem
from tests.support.asgi import bearer, client, http_scope


class BrokenStore(SqlContactStore):
    """A store with a bug."""

    async def page(self, *_: object, **__: object) -> NoReturn:
        raise ZeroDivisionError("internals")


async def test_an_unexpected_exception_is_answered_with_500_without_internals(
    settings: Settings, keys: RemoteKeys, clock: FakeClock, issuer: FakeIssuer
) -> None:
    app = create_app(
        settings, keys=keys, store=BrokenStore(connect(settings.database_url)), clock=clock
    )
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    async with httpx.AsyncClient(transport=transport, base_url="https://x") as calling:
        answer = await calling.get("/contacts", headers=bearer(issuer.token()))

    assert problem(answer, 500)["detail"] == "The server failed to answer this request."
    assert "internals" not in answer.text


async def test_any_other_http_exception_is_answered_as_a_problem() -> None:
    answer = await handle(Request(http_scope()), HTTPException(418, "internals"))

    assert answer.status_code == 418
    assert b"internals" not in bytes(answer.body)


async def test_endpoints_behind_another_verifier_refuse_a_token_without_a_subject(
    store: ContactStore, issuer: FakeIssuer
) -> None:
    app = Starlette(
        routes=ContactEndpoints(store).routes(),
        middleware=[Middleware(BearerMiddleware, verifier=issuer.verifier())],
    )

    async with client(app) as calling:
        with pytest.raises(TypeError, match="subject"):
            await calling.get("/contacts", headers=bearer(issuer.token(sub=None)))


async def test_endpoints_without_a_guard_answer_no_request(store: ContactStore) -> None:
    app = Starlette(routes=ContactEndpoints(store).routes())

    async with client(app) as calling:
        with pytest.raises(RuntimeError, match="BearerMiddleware"):
            await calling.get("/contacts")


async def test_a_created_contact_is_found_below_a_mount_point(api: Api) -> None:
    mounted = Starlette(routes=[Mount("/v1", api.app)])

    async with client(mounted) as calling:
        created = await calling.post("/v1/contacts", headers=api.caller(), json={"name": "Bob"})
        found = await calling.get(created.headers["location"], headers=api.caller())

    assert created.headers["location"].startswith("/v1/contacts/")
    assert found.json() == created.json()


def test_the_log_level_applies_only_to_our_own_loggers() -> None:
    names = ("", "resource_api", "asgi_bearer", "uvicorn")
    before = {name: logging.getLogger(name).level for name in names}
    root = logging.getLogger()
    handlers = root.handlers[:]
    try:
        logs.configure("debug")
        levels = {
            name: logging.getLogger(name).getEffectiveLevel()
            for name in ("resource_api.access", "asgi_bearer.keys", "aiosqlite", "sqlalchemy")
        }
    finally:
        root.handlers[:] = handlers
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)

    assert levels == {
        "resource_api.access": logging.DEBUG,
        "asgi_bearer.keys": logging.DEBUG,
        "aiosqlite": logging.WARNING,
        "sqlalchemy": logging.WARNING,
    }
