"""The file that the state lies in: how it is read and written, and the clock that it goes by."""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from sqlalchemy import ColumnElement, Delete, Executable, RowMapping, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from demo.authorization_server.state import tables as state_tables


class StateFile:
    """Reading and writing one SQLite file.

    Arguments:
        engine: from `resource_api.database.connect.connect`, for an SQLite file.
        clock: answers seconds since the epoch.
        token: makes a new secret; nobody can guess it, and none comes twice.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], float] = time.time,
        token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._token = token
        # SQLite has one write lock, and waits for it by sleeping. Here they wait in a row, and
        # leave the other connections to those who read.
        self._writer = asyncio.Lock()

    async def prepare(self) -> None:
        """Make the tables; raises `DatabaseUnusable` for a file of another version."""
        await state_tables.prepare(self._engine)

    async def aclose(self) -> None:
        """Close the connections to the file."""
        await self._engine.dispose()

    def _now(self) -> int:
        return int(self._clock())

    async def _row(self, query: Executable) -> RowMapping | None:
        async with self._engine.connect() as connection:
            return (await connection.execute(query)).mappings().one_or_none()

    async def _write(self, statement: Executable) -> None:
        async with self._writing() as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def _writing(self) -> AsyncGenerator[AsyncConnection]:
        """A transaction that has to write first.

        One that reads first could not take SQLite's write lock any more once another process
        has written.
        """
        async with self._writer, self._engine.begin() as connection:
            yield connection


def digest(secret: str) -> str:
    """Return what is stored in place of a secret; it has 256 random bits, and needs no salt."""
    # Whatever text arrives is a secret that is known or not, and never an error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def oldest(table: Table, kept: int, held: ColumnElement[bool]) -> Delete:
    """Delete all but the newest of a holder's rows."""
    beyond = select(table.c.number).where(held).order_by(table.c.number.desc()).offset(kept)
    return delete(table).where(table.c.number.in_(beyond))
