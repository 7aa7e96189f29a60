"""Connections to the database: which drivers, and how SQLite is told to lose nothing."""

import re
from pathlib import Path
from typing import Protocol, cast

from sqlalchemy import URL, event, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from resource_api.database.postgres_options import driver_arguments
from resource_api.private_files import private_file

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
"""The database URL schemes that are understood, and the driver that each stands for."""

POOL_SIZE = 8
"""Connections. With SQLite more would only contend for the one lock."""

POOL_SECONDS = 3.0
"""How long a statement waits for a connection."""

BUSY_SECONDS = 5.0
"""How long a writer waits for SQLite's one write lock, also against other processes.

Together with `POOL_SECONDS` it stays below the time that a server has to end its requests."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # a commit is on the disk before it is acknowledged
    "PRAGMA foreign_keys = ON",
)


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the message says what to do about it."""


def async_url(url: str) -> URL:
    """The URL with its asynchronous driver named; the scheme must be one of `DRIVERS`."""
    # `postgres` is how many providers of databases write it; SQLAlchemy knows no such dialect.
    parsed = make_url(re.sub("^postgres:", "postgresql:", url))
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def connect(url: str) -> AsyncEngine:
    """The engine for a database URL; nothing is opened before its first use.

    An SQLite file that is missing is made, and the folders on the way to it, for this user alone.
    Raises `DatabaseUnusable` if that fails.
    """
    target = async_url(url)
    is_sqlite = target.get_backend_name() == "sqlite"
    if is_sqlite:
        _make_file(Path(target.database or ""))
    engine = create_async_engine(
        target if is_sqlite else target.set(query={}),
        hide_parameters=True,  # what contacts hold must not stand in a traceback
        pool_size=POOL_SIZE,
        max_overflow=0,  # opening connections in bursts costs more than waiting
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=not is_sqlite,
        connect_args={"timeout": BUSY_SECONDS} if is_sqlite else driver_arguments(target),
    )
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    return engine


def _make_file(file: Path) -> None:
    try:
        # SQLite would make it readable for everybody; its other files take over the mode.
        private_file(file)
    except OSError as error:
        raise DatabaseUnusable(f"The file {file} cannot be made: {error.strerror}.") from error


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


class _Connection(Protocol):
    def cursor(self) -> _Cursor: ...


def _prepare_sqlite(connection: object, _record: object) -> None:
    cursor = cast(_Connection, connection).cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
