"""Fixtures: the web application with a fake provider and the real API, and a browser."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from sqlalchemy import text
from starlette.types import ASGIApp

from asgi_bearer import remote_keys
from asgi_bearer.testing import FakeClock
from demo.web_application.app import create_web_application
from demo.web_application.session.store import Sessions
from demo.web_application.settings import WebApplicationSettings
from resource_api.app import create_app
from resource_api.contacts.model import ContactFields, Owner
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.database.connect import connect
from resource_api.settings import Settings
from tests.support.documents import FakeDocuments
from tests.support.fake_provider import (
    ANNEX,
    AUDIENCE,
    CLIENT_ID,
    CLIENT_SECRET,
    OTHER_AUDIENCE,
    PROVIDER,
    FakeProvider,
)
from tests.support.network import Network
from tests.support.user_agent import Page, UserAgent

WEB = "http://localhost:8080/"
API = "http://127.0.0.1:8000/"
DEFAULT_SCOPE = "openid profile email read:contacts offline_access"
EVERY_SCOPE = (*DEFAULT_SCOPE.split(), "write:contacts")


@dataclass(frozen=True)
class Parties:
    """All parties; `person` is the browser, `network` carries the application's own requests."""

    provider: FakeProvider
    settings: WebApplicationSettings
    app: ASGIApp
    sessions: Sessions
    clock: FakeClock
    person: UserAgent
    network: Network
    file: Path

    async def start(
        self, response_type: str = "code id_token token", scopes: tuple[str, ...] = EVERY_SCOPE
    ) -> Page:
        """Open the start page with this selection."""
        query = urlencode([("response_type", response_type), *(("scope", name) for name in scopes)])
        return await self.person.get(f"{WEB}?{query}")

    async def at_callback(
        self, response_type: str = "code id_token token", scopes: tuple[str, ...] = EVERY_SCOPE
    ) -> Page:
        """Follow the sign-in link to the callback page."""
        page = await self.start(response_type, scopes)
        return await self.person.follow(page, "/authorize?")

    async def hand_over(self, page: Page, changes: Mapping[str, str | None] | None = None) -> Page:
        """Post the response as the callback page's script does, with changes."""
        changed = {**page.fragment, **(changes or {})}
        sent = {name: value for name, value in changed.items() if value is not None}
        return await self.hand_over_text(page, urlencode(sent))

    async def hand_over_text(self, page: Page, fragment: str) -> Page:
        """Post this fragment as the callback page's script does."""
        return await self.person.submit(page, page.form("/callback"), {"fragment": fragment})

    async def signed_in(
        self, response_type: str = "code id_token token", scopes: tuple[str, ...] = EVERY_SCOPE
    ) -> Page:
        """Sign in, and return the session page."""
        page = await self.hand_over(await self.at_callback(response_type, scopes))
        assert page.url == f"{WEB}session", page.text
        return page

    async def press(self, page: Page, action: str) -> Page:
        """Submit the form of a page whose action contains this text."""
        return await self.person.submit(page, page.form(action))

    @asynccontextmanager
    async def restarted(self) -> AsyncGenerator["Parties"]:
        """Restart the application: it keeps its database and loses its cached keys."""
        async with httpx.AsyncClient(transport=self.network, trust_env=False) as http:
            app = create_web_application(
                self.settings, sessions=self.sessions, http=http, clock=self.clock
            )
            async with UserAgent({WEB.rstrip("/"): app}) as person:
                person.client.cookies = self.person.client.cookies
                yield replace(self, app=app, person=person)

    async def lose_database(self) -> None:
        """Drop the table of sessions, so that every statement fails."""
        engine = connect(f"sqlite:///{self.file}")
        async with engine.begin() as connection:
            await connection.execute(text("DROP TABLE sessions"))
        await engine.dispose()

    def cookie(self) -> str | None:
        """Return the browser's session cookie."""
        return self.person.client.cookies.get("web_application_session")


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def provider(clock: FakeClock) -> FakeProvider:
    return FakeProvider(clock=clock)


@pytest.fixture
def token() -> Callable[[], str]:
    """The function that makes the random values of the web application."""
    return lambda: secrets.token_urlsafe(32)


@pytest.fixture
def web_settings() -> WebApplicationSettings:
    return WebApplicationSettings(
        address=WEB,
        issuer=PROVIDER,
        client_id=CLIENT_ID,
        client_secret=CLIENT_SECRET,
        api=API,
        audience=AUDIENCE,
        scopes=EVERY_SCOPE,
        other_audience=OTHER_AUDIENCE,
        other_scope="read:calendar",
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The database file of the sessions."""
    return tmp_path / "web-application.sqlite3"


@pytest.fixture
async def sessions(file: Path, clock: FakeClock) -> AsyncGenerator[Sessions]:
    sessions = Sessions(connect(f"sqlite:///{file}"), clock=clock)
    await sessions.prepare()
    yield sessions
    await sessions.aclose()


@pytest.fixture(scope="session")
def contacts_file(migrated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which alice has two contacts; no test writes to it."""
    file = tmp_path_factory.mktemp("contacts") / "contacts.sqlite3"
    shutil.copy(migrated, file)

    async def fill() -> None:
        store = SqlContactStore(connect(f"sqlite:///{file}"))
        owner = Owner(PROVIDER, "alice")
        await store.add(owner, ContactFields(name="Bob Baker", email="bob@example.com"))
        await store.add(owner, ContactFields(name="Carol <Carter>", phone="+1 555 0100"))
        await store.aclose()

    asyncio.run(fill())
    return file


@pytest.fixture
async def contacts_api(
    contacts_file: Path, provider: FakeProvider, clock: FakeClock
) -> AsyncGenerator[ASGIApp]:
    """The real API."""
    settings = Settings(
        issuer=PROVIDER,
        audience=(AUDIENCE,),
        database_url=f"sqlite:///{contacts_file}",
        token_profile="rfc9068",
    )
    store = SqlContactStore(connect(settings.database_url), clock=clock)
    documents = FakeDocuments({"https://issuer.example/keys": {"keys": [provider.key.jwk()]}})
    keys = remote_keys(jwks_uri="https://issuer.example/keys", fetch=documents)
    yield create_app(settings, keys=keys, store=store, clock=clock)
    await keys.aclose()
    await store.aclose()


@pytest.fixture
async def parties(
    provider: FakeProvider,
    web_settings: WebApplicationSettings,
    sessions: Sessions,
    contacts_api: ASGIApp,
    clock: FakeClock,
    file: Path,
    token: Callable[[], str],
) -> AsyncGenerator[Parties]:
    fake = provider.app()
    network = Network({PROVIDER: fake, ANNEX: fake, API: contacts_api})
    async with httpx.AsyncClient(transport=network, trust_env=False) as http:
        app = create_web_application(
            web_settings, sessions=sessions, http=http, clock=clock, token=token
        )
        browsed = {WEB.rstrip("/"): app, PROVIDER.rstrip("/"): fake}
        async with UserAgent(browsed) as person:
            yield Parties(provider, web_settings, app, sessions, clock, person, network, file)
