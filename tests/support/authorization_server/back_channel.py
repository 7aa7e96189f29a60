"""Requests of clients to the authorization server, for the tests; codes without a browser."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote_plus

import httpx
import jwt

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State
from tests.support.authorization_server.example_registrations import (
    COMMAND_LINE,
    CONFIDENTIAL,
    CONTACTS,
    CONTACTS_API,
    ISSUER,
    PUBLIC,
    REDIRECT_URI,
)

VERIFIER = "a-code-verifier-of-at-least-forty-three-characters"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
AUTH_TIME = 1_699_999_000
NONCE = "a nonce"
SCOPES = ("openid", "read:contacts", "write:contacts", "offline_access")

_SECRETS = {
    client.client_id: client.client_secret
    for client in (CONFIDENTIAL, PUBLIC, COMMAND_LINE, CONTACTS_API)
}

Json = dict[str, Any]

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class BackChannel:
    """The requests that clients send to the authorization server directly."""

    http: httpx.AsyncClient
    state: State

    async def code(
        self,
        *,
        client_id: str = "web-application",
        username: str = "alice",
        audience: str | None = CONTACTS.identifier,
        scopes: tuple[str, ...] = SCOPES,
        nonce: str | None = NONCE,
        redirect_uri: str = REDIRECT_URI,
        code_challenge: str | None = None,
    ) -> str:
        """Return a code as /authorize gives it."""
        grant = await self.state.grants.open(
            client_id=client_id,
            username=username,
            audience=audience,
            scopes=scopes,
            auth_time=AUTH_TIME,
            nonce=nonce,
        )
        return await self.state.grants.add_code(
            grant, redirect_uri=redirect_uri, code_challenge=code_challenge
        )

    async def post(
        self, path: str, *, client_id: str | None = CONFIDENTIAL.client_id, **parameters: str | None
    ) -> httpx.Response:
        """Send a form with the client secret; a parameter that is None is omitted."""
        secret = _SECRETS.get(client_id or "")
        form = {"client_id": client_id, "client_secret": secret, **parameters}
        return await self.http.post(
            path, data={name: value for name, value in form.items() if value is not None}
        )

    async def exchange(self, code: str, /, **changes: str | None) -> httpx.Response:
        """Exchange a code for tokens."""
        asked = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return await self.post("oauth/token", **{**asked, **changes})

    async def refresh(self, refresh_token: str, /, **changes: str | None) -> httpx.Response:
        """Exchange a refresh token for the next tokens."""
        asked = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self.post("oauth/token", **{**asked, **changes})

    async def tokens(
        self,
        *,
        audience: str | None = CONTACTS.identifier,
        scopes: tuple[str, ...] = SCOPES,
        username: str = "alice",
    ) -> Json:
        """Return the response of the token endpoint to a valid code."""
        code = await self.code(audience=audience, scopes=scopes, username=username)
        answer = await self.exchange(code)
        assert answer.status_code == 200, answer.text
        tokens: Json = answer.json()
        return tokens

    async def is_active(self, token: str, *, client_id: str = "web-application") -> bool:
        """Return whether introspection calls a token active."""
        answer = await self.post("oauth/introspect", client_id=client_id, token=token)
        assert answer.status_code == 200, answer.text
        active: bool = answer.json()["active"]
        return active


def both_at_once(
    find: Callable[[str], Awaitable[Found]],
) -> Callable[[str], Awaitable[Found]]:
    """Return `find`, changed so that the first two callers both have the answer before either
    goes on. Later callers do not wait."""
    callers = 0
    both = asyncio.Event()

    async def found(secret: str) -> Found:
        nonlocal callers
        answer = await find(secret)
        callers += 1
        if callers == 2:
            both.set()
        await both.wait()
        return answer

    return found


def basic(client_id: str, client_secret: str) -> dict[str, str]:
    """Return the Basic header with these client credentials (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(client_secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


def claims_of(token: str, keys: SigningKeys) -> Json:
    """Return the claims of a token of the current key, without checking them."""
    claims: Json = jwt.decode(
        token,
        keys.current.private_key.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
    )
    return claims


def error(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the error code of a refusal."""
    return answer.status_code, answer.json()["error"]


@asynccontextmanager
async def served(
    state: State, *, registrations: Registrations, keys: SigningKeys, clock: FakeClock
) -> AsyncGenerator[BackChannel]:
    """Serve from this state; prepare it first, and close it at the end."""
    app = create_authorization_server(
        issuer=ISSUER, registrations=registrations, keys=keys, state=state, clock=clock
    )
    transport = httpx.ASGITransport(app)
    async with aclosing(state), httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
        await state.prepare()
        yield BackChannel(http, state)
