"""A sign-in at our authorization server, requested by openid-client."""

import secrets
from dataclasses import dataclass
from typing import Any

from demo.authorization_server.registrations.model import Client
from tests.interop.our_server import AUDIENCE, CONFIDENTIAL, OurServer
from tests.interop.relying_party import RelyingParty
from tests.support.authorization_server.example_registrations import (
    ALICE_PASSWORD,
    REDIRECT_URI,
    TEAM_CLAIM,
)
from tests.support.user_agent import Page, UserAgent

SCOPE = f"openid profile offline_access read:contacts {TEAM_CLAIM}"


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """The page that the browser shows after the response, and the values that the response must
    match."""

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
        """Make the relying party act as this client, by the server's metadata; return the
        metadata."""
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

    async def authorize(
        self, *, decision: str = "allow", **parameters: str
    ) -> AuthorizationResponse:
        """Sign in as alice and decide; `parameters` are added to those of the request."""
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
            page, page.form("/sign-in"), {"username": "alice", "password": ALICE_PASSWORD}
        )
        page = await self.browser.submit(page, page.form("/consent"), button=("decision", decision))
        checks = {"expectedState": state, "expectedNonce": nonce, "pkceCodeVerifier": verifier}
        return AuthorizationResponse(page, {**checks})

    async def finish(self, response: AuthorizationResponse) -> dict[str, Any]:
        """Let the relying party check a response and exchange its code.

        Returns the tokens and, under `claims`, the claims of the ID token.
        """
        result: dict[str, Any] = await self.relying_party.ask(
            "callback", url=response.page.url, checks=response.checks
        )
        return result

    async def tokens(self, **parameters: str) -> dict[str, Any]:
        """Return the tokens of a complete sign-in."""
        result = await self.finish(await self.authorize(**parameters))
        tokens: dict[str, Any] = result["tokens"]
        return tokens
