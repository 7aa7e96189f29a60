"""The database's schema: bringing it to what this version of the code expects, or refusing it."""

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
    # The driver would commit each statement of a migration by itself; this makes them one.
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": "SELECT pg_advisory_xact_lock(7250133)",  # any number that is ours alone
}
_MIGRATIONS = Path(__file__).parent / "migrations"


async def migrate(engine: AsyncEngine) -> None:
    """Runs the migrations that are missing, all or none; raises `DatabaseUnusable`."""
    await _run(engine, _upgrade)


async def prepare(engine: AsyncEngine) -> None:
    """Makes the schema ready for serving; raises `DatabaseUnusable`.

    An SQLite file belongs to this one application and is migrated. A PostgreSQL database may
    serve several processes of different versions, so when to migrate it is the operator's choice.
    """
    await (migrate if engine.dialect.name == "sqlite" else check)(engine)


async def check(engine: AsyncEngine) -> None:
    """Returns if the schema is the one that this code needs; raises `DatabaseUnusable`."""
    await _run(engine, _check)


async def _run(engine: AsyncEngine, work: Callable[[Connection], None]) -> None:
    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    except CommandError as error:
        raise DatabaseUnusable(
            "The database was written by a newer version of resource_api; run that one."
        ) from error
    except (DBAPIError, OSError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnusable(f"The database does not answer as it should: {reason}.") from error


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    # A second process that starts now waits for this one.
    connection.exec_driver_sql(_LOCKS[connection.dialect.name])
    command.upgrade(_config(connection), "head")


def _check(connection: Connection) -> None:
    present = set(MigrationContext.configure(connection).get_current_heads())
    if present != set(ScriptDirectory.from_config(_config()).get_heads()):
        raise DatabaseUnusable(
            "The database has another schema than this version of resource_api needs; "
            "run: python -m resource_api migrate"
        )
