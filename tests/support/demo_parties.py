"""The three parties of the demo in one process, with one clock and without sockets."""

import base64
import hashlib
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

import httpx
import jwt
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer import remote_keys
from asgi_bearer.keys import Document
from asgi_bearer.testing import FakeClock
from demo.addresses import Addresses
from demo.authorization_server.keys.signing_keys import SigningKey, SigningKeys
from demo.authorization_server.registrations.file import SHIPPED, read
from demo.authorization_server.registrations.model import Registrations
from demo.parties import prepared_parties
from demo.required_registrations import AUDIENCE, WEB_APPLICATION
from tests.support.asgi import bearer
from tests.support.authorization_server.example_registrations import signing_key
from tests.support.lifespan import running
from tests.support.user_agent import Page, UserAgent

API = "http://127.0.0.1:8000/"
ISSUER = "http://127.0.0.1:9000/"
CONTACT_BOOK = "http://localhost:8080/"
CALLBACK = f"{CONTACT_BOOK}callback"

SCOPE = "openid profile read:contacts"


@dataclass(frozen=True, slots=True)
class RunningParties:
    """The running parties, for a user with a browser and for a client."""

    agent: UserAgent
    clock: FakeClock
    signing_key: SigningKey
    registrations: Registrations

    def authorization_url(self, **changes: str) -> str:
        """Return a valid authorization request of the web application, with changes."""
        parameters = {
            "audience": AUDIENCE,
            "scope": SCOPE,
            "response_type": "code id_token",
            "client_id": WEB_APPLICATION,
            "redirect_uri": CALLBACK,
            "state": "opaque",
            "nonce": "nonce",
        }
        return f"{ISSUER}authorize?{urlencode({**parameters, **changes})}"

    async def signed_in(self, url: str) -> Page:
        """Open an authorization request, and send the sign-in form as it is filled in."""
        page = await self.agent.get(url)
        return await self.agent.submit(page, page.form("sign-in"))

    async def allowed(self, url: str) -> Page:
        """Open an authorization request, sign in and allow it if asked; return the last page."""
        page = await self.agent.get(url)
        if any("sign-in" in form.action for form in page.forms):
            page = await self.agent.submit(page, page.form("sign-in"))
        if any("consent" in form.action for form in page.forms):
            page = await self.agent.submit(page, page.form("consent"), button=("decision", "allow"))
        return page

    def exchange(self, code: str) -> dict[str, str]:
        """Return the token request of the web application for a code."""
        return {
            "grant_type": "authorization_code",
            "client_id": WEB_APPLICATION,
            "client_secret": self._secret,
            "code": code,
            "redirect_uri": CALLBACK,
        }

    async def token(self, request: Mapping[str, str]) -> httpx.Response:
        """Send a token request, as JSON."""
        return await self.agent.client.post(f"{ISSUER}oauth/token", json=dict(request))

    async def refresh(self, refresh_token: str) -> httpx.Response:
        """Exchange a refresh token for the next tokens."""
        return await self.token(
            {
                "grant_type": "refresh_token",
                "client_id": WEB_APPLICATION,
                "client_secret": self._secret,
                "refresh_token": refresh_token,
            }
        )

    async def userinfo(self, access_token: str) -> httpx.Response:
        """Call /userinfo."""
        return await self.agent.client.get(f"{ISSUER}userinfo", headers=bearer(access_token))

    async def contacts(self, access_token: str) -> httpx.Response:
        """Call the API."""
        return await self.agent.client.get(f"{API}contacts", headers=bearer(access_token))

    async def deliver(self, answer: Page, fragment: Mapping[str, str]) -> Page:
        """Send a fragment from the callback page, as its script does."""
        return await self.agent.submit(
            answer, answer.form("callback"), {"fragment": urlencode(fragment)}
        )

    @property
    def _secret(self) -> str:
        return self.registrations.clients[WEB_APPLICATION].client_secret or ""


@cache
def shipped_registrations() -> Registrations:
    """Return the demo's registrations; cached, because reading them hashes the shown passwords."""
    file = read(SHIPPED, web_application=CONTACT_BOOK)
    return file.with_secrets({name: f"secret of {name}" for name in file.without_secret})


@asynccontextmanager
async def running_parties(
    folder: Path,
    *,
    refuse_front_channel_tokens: bool = False,
    registrations: Registrations | None = None,
) -> AsyncGenerator[RunningParties]:
    """Run the parties, with the earlier content of the folder.

    Arguments:
        registrations: by default those of the demo.
    """
    clock = FakeClock()
    registrations = registrations or shipped_registrations()
    applications: dict[str, ASGIApp] = {}

    def application(origin: str) -> ASGIApp:
        # Looked up for each request, because the HTTP client exists before the application.
        async def found(scope: Scope, receive: Receive, send: Send) -> None:
            await applications[origin](scope, receive, send)

        return found

    origins = {address: application(address) for address in (API[:-1], ISSUER[:-1])}
    async with UserAgent(origins) as back_channel:

        async def fetch(url: str, *, etag: str | None = None) -> Document:
            return Document((await back_channel.client.get(url)).content)

        parties = await prepared_parties(
            Addresses(API, ISSUER, CONTACT_BOOK, folder),
            registrations,
            SigningKeys(signing_key()),
            http=back_channel.client,
            refuse_front_channel_tokens=refuse_front_channel_tokens,
            issuer_keys=remote_keys(issuer=ISSUER, fetch=fetch, clock=clock),
            clock=clock,
        )
        applications[API[:-1]] = parties.api
        applications[ISSUER[:-1]] = parties.authorization_server
        origins[CONTACT_BOOK[:-1]] = parties.web_application
        async with (
            running(parties.authorization_server),
            running(parties.api),
            running(parties.web_application),
            UserAgent(origins) as browser,
        ):
            yield RunningParties(browser, clock, signing_key(), registrations)


def claims(token: str) -> dict[str, object]:
    """Return the claims of a token, unverified."""
    told: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    return told


def with_claims(token: str, key: SigningKey, changes: Mapping[str, object]) -> str:
    """Return a token like this one with other claims, signed with the same key."""
    return jwt.encode(
        {**claims(token), **changes},
        key.private_key,
        algorithm="RS256",
        headers=jwt.get_unverified_header(token),
    )


def left_half_hash(value: str) -> str:
    """Return the value of `c_hash` or `at_hash` for RS256 (OpenID Connect Core §3.3.2.11)."""
    digest = hashlib.sha256(value.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()
