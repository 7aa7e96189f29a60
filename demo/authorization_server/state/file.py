"""The database file behind the state: how the parts read it and write it."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Delete, Executable, RowMapping, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine


@dataclass(frozen=True, slots=True, kw_only=True)
class StateFile:
    """One SQLite file, which all parts of the state share.

    Arguments:
        clock: returns seconds since the epoch.
        new_secret: returns a new secret that cannot be guessed.
    """

    engine: AsyncEngine
    clock: Callable[[], float]
    new_secret: Callable[[], str]
    # SQLite has one write lock and waits for it by sleeping. With this lock, writers of this
    # process wait in order and leave the other connections to readers.
    _writer: asyncio.Lock = field(default_factory=asyncio.Lock)

    def now(self) -> int:
        """Return the time in whole seconds since the epoch."""
        return int(self.clock())

    async def row(self, query: Executable) -> RowMapping | None:
        """Return the only row of a query, or None if there is none."""
        async with self.engine.connect() as connection:
            return (await connection.execute(query)).mappings().one_or_none()

    async def write(self, statement: Executable) -> None:
        """Run one statement in a transaction of its own."""
        async with self.transaction() as connection:
            await connection.execute(statement)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[AsyncConnection]:
        """Open a transaction; its first statement must be a write.

        If it read first and another process wrote meanwhile, SQLite would refuse the write.
        """
        async with self._writer, self.engine.begin() as connection:
            yield connection


def digest(secret: str) -> str:
    """Return what is stored instead of a secret. It has 256 random bits and needs no salt."""
    # Any text may arrive here, even half a surrogate pair: it is an unknown secret, not an error.
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def delete_oldest(table: Table, kept: int, owner: ColumnElement[bool]) -> Delete:
    """Return the statement that deletes all but the newest `kept` rows of one owner."""
    beyond = select(table.c.number).where(owner).order_by(table.c.number.desc()).offset(kept)
    return delete(table).where(table.c.number.in_(beyond))
