"""One server for all attacks of a test module; a refused request must not change its state."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from asgi_bearer.testing import FakeClock
from demo.authorization_server.app import create_authorization_server
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.state.state import State
from tests.support.authorization_server import example_registrations
from tests.support.authorization_server.back_channel import BackChannel
from tests.support.authorization_server.example_registrations import ISSUER
from tests.support.authorization_server.front_channel import AUDIENCE

Memory = dict[str, list[tuple[object, ...]]]

SESSION_COOKIE = "authorization_server_session"


@dataclass(frozen=True, slots=True)
class AttackedServer:
    """A server and its state."""

    app: Starlette
    http: httpx.AsyncClient
    state: State
    clock: FakeClock
    keys: SigningKeys
    file: Path

    @property
    def back_channel(self) -> BackChannel:
        """The requests that clients send."""
        return BackChannel(self.http, self.state)

    def memory(self) -> Memory:
        """Return every row of every table: sessions, consents, grants, codes and tokens."""
        with closing(sqlite3.connect(self.file)) as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            return {
                name: connection.execute(f"SELECT * FROM {name}").fetchall()  # noqa: S608
                for (name,) in tables
            }

    async def consenting_session(self) -> dict[str, str]:
        """Return the session cookie of alice, who has already consented to the requests."""
        for client_id in ("web-application", "single-page"):
            await self.state.sessions.remember_consent(
                "alice", client_id, AUDIENCE, {"openid", "read:contacts"}
            )
        secret = await self.state.sessions.open("alice", signed_in_for="another request")
        return {"Cookie": f"{SESSION_COOKIE}={secret}"}


@asynccontextmanager
async def attacked_server(folder: Path) -> AsyncGenerator[AttackedServer]:
    """Run a server with its state in this folder."""
    clock, keys = FakeClock(), example_registrations.signing_keys()
    async with example_registrations.opened_state(folder, clock) as state:
        app = create_authorization_server(
            issuer=ISSUER,
            registrations=example_registrations.registrations(),
            keys=keys,
            state=state,
            clock=clock,
        )
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER, trust_env=False) as http:
            file = folder / "authorization-server.sqlite3"
            yield AttackedServer(app, http, state, clock, keys, file)
