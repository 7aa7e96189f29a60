"""The state of the authorization server: sign-ins and consents, grants with their codes, tokens.

Three rules hold for all parts:

- A secret (of a session, a code or a refresh token) is stored only as its SHA-256 digest.
- One statement checks that a code or refresh token is unused and marks it as used. If two clients
  present it at the same moment, only one succeeds.
- Storage is bounded: writing a row deletes the expired rows of its kind, and each user or client
  has a maximum number of rows.
"""

import secrets
import time
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from demo.authorization_server.state import tables
from demo.authorization_server.state.file import StateFile
from demo.authorization_server.state.grants import Grants
from demo.authorization_server.state.sessions import Sessions
from demo.authorization_server.state.tokens import Tokens


class State:
    """The three parts, in one file. Times are whole seconds since the epoch.

    Arguments:
        engine: made by `resource_api.database.connect.connect`, for an SQLite file.
        clock: returns seconds since the epoch.
        new_secret: returns a new secret that cannot be guessed.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], float] = time.time,
        new_secret: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._engine = engine
        file = StateFile(engine=engine, clock=clock, new_secret=new_secret)
        self.sessions = Sessions(file)
        self.grants = Grants(file)
        self.tokens = Tokens(file)

    async def prepare(self) -> None:
        """Create the tables; raises `DatabaseUnusable` if the file has another version."""
        await tables.prepare(self._engine)

    async def aclose(self) -> None:
        """Close the connections to the file."""
        await self._engine.dispose()
