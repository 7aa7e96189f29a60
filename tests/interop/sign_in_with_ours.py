"""A sign-in at our authorization server: openid-client asks for it, a person grants it."""

import secrets
from dataclasses import dataclass
from typing import Any

from demo.authorization_server.registrations.model import Client
from tests.interop.our_server import (
    AUDIENCE,
    CONFIDENTIAL,
    PASSWORD,
    REDIRECT_URI,
    TEAM_CLAIM,
    OurServer,
)
from tests.interop.relying_party import RelyingParty
from tests.support.user_agent import Page, UserAgent

SCOPE = f"openid profile offline_access read:contacts {TEAM_CLAIM}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser shows when the server has answered, and what the answer must fit."""

    page: Page
    checks: dict[str, object]


@dataclass(frozen=True, slots=True)
class SignIn:
    """A relying party that can reach the server, and a person with a browser."""

    relying_party: RelyingParty
    browser: UserAgent
    server: OurServer

    async def discover(
        self,
        client: Client = CONFIDENTIAL,
        *,
        method: str = "client_secret_basic",
        algorithm: str = "oidc",
        hybrid: bool = True,
    ) -> dict[str, Any]:
        """Have the relying party become this client, by the server's metadata; return those."""
        metadata: dict[str, Any] = await self.relying_party.ask(
            "discover",
            issuer=self.server.issuer,
            clientId=client.client_id,
            secret=client.client_secret,
            method=method,
            algorithm=algorithm,
            hybrid=hybrid,
        )
        return metadata

    async def authorize(self, *, decision: str = "allow", **parameters: str) -> Answer:
        """Have alice sign in and decide; `parameters` are added to those of the request."""
        verifier = secrets.token_urlsafe(32)
        state, nonce = secrets.token_urlsafe(8), secrets.token_urlsafe(8)
        request = {
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "audience": AUDIENCE,
            "state": state,
            "nonce": nonce,
            "code_challenge": await self.relying_party.ask("challenge", verifier=verifier),
            "code_challenge_method": "S256",
            **parameters,
        }
        url = await self.relying_party.ask("authorizationUrl", parameters=request)
        page = await self.browser.get(url)
        page = await self.browser.submit(
            page, page.form("/sign-in"), {"username": "alice", "password": PASSWORD}
        )
        page = await self.browser.submit(page, page.form("/consent"), button=("decision", decision))
        checks = {"expectedState": state, "expectedNonce": nonce, "pkceCodeVerifier": verifier}
        return Answer(page, {**checks})

    async def finish(self, answer: Answer) -> dict[str, Any]:
        """Have the relying party check an answer and exchange its code.

        Returns the tokens and, under `claims`, those of the ID token.
        """
        result: dict[str, Any] = await self.relying_party.ask(
            "callback", url=answer.page.url, checks=answer.checks
        )
        return result

    async def tokens(self, **parameters: str) -> dict[str, Any]:
        """Return what a whole sign-in brings."""
        result = await self.finish(await self.authorize(**parameters))
        tokens: dict[str, Any] = result["tokens"]
        return tokens
