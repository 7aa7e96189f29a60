"""Our web application signs a person in at oidc-provider, over HTTP."""

import ssl
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from starlette.applications import Starlette

from demo.web_application.app import create_web_application
from demo.web_application.session.store import Sessions
from demo.web_application.settings import WebApplicationSettings
from resource_api.database.connect import connect
from tests.interop.hybrid_flow import RESPONSE_TYPES, sign_in
from tests.interop.provider import (
    ALGORITHMS,
    AUDIENCE,
    CLIENT_SECRET,
    OTHER_AUDIENCE,
    Provider,
    client_id,
)
from tests.support.lifespan import running
from tests.support.user_agent import Page, UserAgent

WEB = "http://localhost:8080/"
API = "http://127.0.0.1:8000/"
SCOPES = ("openid", "profile", "read:contacts", "write:contacts")


@dataclass(frozen=True, slots=True)
class Person:
    """A person with a browser who uses the web application."""

    browser: UserAgent

    async def go_to_provider(self, response_type: str) -> Page:
        """Choose a response type on the start page, and follow its link to the provider."""
        query = [("response_type", response_type), *(("scope", scope) for scope in SCOPES)]
        page = await self.browser.get(f"{WEB}?{urlencode(query)}")
        return await self.browser.follow(page, "/auth?")

    async def return_to_application(self, page: Page) -> Page:
        """Submit the fragment, as the script of the callback page does."""
        assert page.url.startswith(f"{WEB}callback#"), page.text
        fragment = urlsplit(page.url).fragment
        return await self.browser.submit(page, page.form("/callback"), {"fragment": fragment})

    async def sign_in(self, response_type: str = "code id_token token") -> Page:
        """Sign in completely."""
        page = await sign_in(self.browser, await self.go_to_provider(response_type))
        return await self.return_to_application(page)

    async def press(self, page: Page, action: str) -> Page:
        """Send the form whose action contains this text."""
        return await self.browser.submit(page, page.form(action))


@pytest.fixture
def algorithm() -> str:
    """The algorithm of the application's tokens, unless a test sets another."""
    return "RS256"


@pytest.fixture
async def person(
    provider: Provider, api_app: Starlette, algorithm: str, tmp_path: Path
) -> AsyncGenerator[Person]:
    """A person and the three parties: the provider over HTTP, our two applications in this
    process."""
    settings = WebApplicationSettings(
        address=WEB,
        issuer=provider.issuer,
        client_id=client_id(algorithm),
        client_secret=CLIENT_SECRET,
        api=API,
        audience=AUDIENCE,
        scopes=SCOPES,
        other_audience=OTHER_AUDIENCE,
        other_scope="read:contacts",
        audience_parameter="resource",
    )
    sessions = Sessions(connect(f"sqlite:///{tmp_path}/web-application.sqlite3"))
    await sessions.prepare()
    mounts = {API.removesuffix("/"): httpx.ASGITransport(api_app)}
    no_certificates = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with httpx.AsyncClient(mounts=mounts, verify=no_certificates, trust_env=False) as http:
        app = create_web_application(settings, sessions=sessions, http=http)
        apps = {provider.issuer: None, WEB.removesuffix("/"): app}
        async with running(app), UserAgent(apps) as browser:
            yield Person(browser)


pytestmark = pytest.mark.parametrize("api_app", ["rfc9068"], indirect=True)

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@every_algorithm
@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
async def test_a_person_who_signs_in_sees_the_contacts(
    person: Person, algorithm: str, response_type: str
) -> None:
    session = await person.sign_in(response_type)
    contacts = await person.browser.get(f"{WEB}contacts")

    assert session.url == f"{WEB}session", session.text
    assert "Hello, alice" in session.text
    assert algorithm in session.text
    assert "There are no contacts yet." in contacts.text, contacts.text


@every_algorithm
async def test_the_front_channel_token_gives_access_to_the_contacts_too(person: Person) -> None:
    await person.sign_in("code token")

    contacts = await person.browser.get(f"{WEB}contacts?token=front-channel")

    assert "There are no contacts yet." in contacts.text, contacts.text


@every_algorithm
async def test_a_refresh_gives_new_tokens(person: Person) -> None:
    session = await person.sign_in()

    refreshed = await person.press(session, "/refresh")
    contacts = await person.browser.get(f"{WEB}contacts")

    assert "previous access token" in refreshed.text, refreshed.text
    assert "There are no contacts yet." in contacts.text, contacts.text


@every_algorithm
async def test_a_key_that_was_rotated_since_the_last_sign_in_is_found(
    person: Person, provider: Provider
) -> None:
    first = await person.sign_in()
    provider.rotate_keys()

    page = await person.go_to_provider("code id_token")
    # The person has a session at the provider, which asks for consent only.
    page = await person.browser.submit(page, page.form("/interaction/"))
    second = await person.return_to_application(page)

    assert [first.url, second.url] == [f"{WEB}session"] * 2, second.text


@pytest.mark.parametrize("response_type", RESPONSE_TYPES)
async def test_a_denied_consent_does_not_sign_the_person_in(
    person: Person, response_type: str
) -> None:
    page = await person.go_to_provider(response_type)
    page = await person.browser.submit(
        page, page.form("/interaction/"), {"login": "alice", "password": "x"}
    )

    refused = await person.return_to_application(await person.browser.follow(page, "/abort"))

    assert refused.status == 400
    assert "You denied access" in refused.text
    assert (await person.browser.get(f"{WEB}session")).url == WEB


@pytest.mark.parametrize(
    ("what", "party", "error"),
    [
        ("state", "This web application", "state"),
        ("nonce", "This web application", "nonce"),
        ("signature", "The API", "invalid_token"),
        ("audience", "The API", "invalid_token"),
        ("scope", "The API", "insufficient_scope"),
        ("code-replay", "The authorization server", "invalid_grant"),
    ],
)
async def test_each_broken_sign_in_is_refused_by_the_right_party(
    person: Person, what: str, party: str, error: str
) -> None:
    session = await person.sign_in()

    broken = await person.press(session, f"/break/{what}")

    assert "did NOT refuse" not in broken.text
    assert party in broken.text
    assert error in broken.text
