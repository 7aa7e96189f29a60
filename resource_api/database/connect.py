"""Connects to the database: the drivers, the pool, and the settings that make SQLite durable."""

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
"""The accepted schemes of database URLs, and the driver of each."""

POOL_SIZE = 8
"""Connections. More of them would only compete for SQLite's one write lock."""

POOL_SECONDS = 3.0
"""How long a statement waits for a connection."""

BUSY_SECONDS = 5.0
"""How long a writer waits for SQLite's one write lock, which other processes may hold too.

Together with `POOL_SECONDS` it is shorter than the time that a shutdown gives to requests."""

_PRAGMAS = (
    "PRAGMA journal_mode = WAL",  # readers and the writer do not wait for each other
    "PRAGMA synchronous = FULL",  # a commit is on the disk before it returns
    "PRAGMA foreign_keys = ON",
)


class DatabaseUnusable(Exception):
    """The database cannot be used; the message says why, or what to do."""


def async_url(url: str) -> URL:
    """Return the URL with the asynchronous driver of its scheme, which must be in `DRIVERS`."""
    # Many database providers write `postgres:`, which SQLAlchemy does not accept.
    parsed = make_url(re.sub("^postgres:", "postgresql:", url))
    return parsed.set(drivername=DRIVERS[parsed.drivername])


def connect(url: str) -> AsyncEngine:
    """Return an engine for a database URL; it connects at its first use.

    A missing SQLite file is created with its folders, for this user alone. Raises
    `DatabaseUnusable` if that fails.
    """
    target = async_url(url)
    is_sqlite = target.get_backend_name() == "sqlite"
    if is_sqlite:
        _create_file(Path(target.database or ""))
    engine = create_async_engine(
        target if is_sqlite else target.set(query={}),
        hide_parameters=True,  # tracebacks must not hold the data of contacts
        pool_size=POOL_SIZE,
        max_overflow=0,  # to open connections in bursts costs more than to wait
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=not is_sqlite,
        connect_args={"timeout": BUSY_SECONDS} if is_sqlite else driver_arguments(target),
    )
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _set_pragmas)
    return engine


def _create_file(file: Path) -> None:
    try:
        # SQLite would create a file that all users can read. Its other files copy the mode.
        private_file(file)
    except OSError as error:
        raise DatabaseUnusable(f"Cannot create the file {file}: {error.strerror}.") from error


class _Cursor(Protocol):
    def execute(self, statement: str) -> object: ...

    def close(self) -> None: ...


class _Connection(Protocol):
    def cursor(self) -> _Cursor: ...


def _set_pragmas(connection: object, _record: object) -> None:
    cursor = cast(_Connection, connection).cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()
