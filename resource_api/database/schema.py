"""The schema of the database: migrates it to what this version needs, or refuses another one."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from resource_api.database.connect import DatabaseUnusable

_LOCKS = {
    # Without it, the driver would commit each statement of a migration on its own.
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(7250133)",  # a number of our own
}
_MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(engine: AsyncEngine) -> None:
    """Run all missing migrations in one transaction; raises `DatabaseUnusable`."""
    await _run(engine, _upgrade)


async def prepare(engine: AsyncEngine) -> None:
    """Migrate an SQLite file, or check the schema of PostgreSQL; raises `DatabaseUnusable`.

    An SQLite file belongs to this application alone. A PostgreSQL database may serve several
    processes of different versions, so the operator decides when to migrate it.
    """
    await (migrate if engine.dialect.name == "sqlite" else check)(engine)


async def check(engine: AsyncEngine) -> None:
    """Return if the schema is the one that this version needs; raises `DatabaseUnusable`."""
    await _run(engine, _check)


async def _run(engine: AsyncEngine, work: Callable[[Connection], None]) -> None:
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    except CommandError as error:
        raise DatabaseUnusable(
            "The database has the schema of a newer version of resource_api; run that version."
        ) from error
    except (DBAPIError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnusable(f"Cannot use the database: {reason}.") from error


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    # A second process that migrates waits here until this one has finished.
    connection.exec_driver_sql(_LOCKS[connection.dialect.name])
    command.upgrade(_config(connection), "head")


def _check(connection: Connection) -> None:
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present != set(ScriptDirectory.from_config(_config()).get_heads()):
        raise DatabaseUnusable(
            "The database has another schema than this version of resource_api needs; "
            "run: python -m resource_api migrate"
        )
