"""The tables of the authorization server's state, and their creation in a new file.

Secrets are stored as digests only: a person who reads the file cannot use it to sign in or to get a
token.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    inspect,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from resource_api.database.connect import DatabaseUnusable

VERSION = 1
"""Increase it with every change below. SQLite stores it in the file (`PRAGMA user_version`)."""

_metadata = MetaData()


def _number() -> Column[int]:
    """The primary key; a higher number is a newer row."""
    return Column("number", Integer, primary_key=True)


def _grant_id() -> Column[str]:
    """The grant that a row belongs to; deleting the grant deletes the row."""
    return Column(
        "grant_id", Text, ForeignKey("grants.grant_id", ondelete="CASCADE"), nullable=False
    )


sessions = Table(
    "sessions",
    _metadata,
    _number(),
    Column("digest", Text, nullable=False, unique=True),
    Column("username", Text, nullable=False),
    Column("auth_time", Integer, nullable=False),
    Column("signed_in_for", Text),
    Column("expires_at", Integer, nullable=False),
    Index("sessions_by_user", "username", "number"),
    Index("sessions_by_end", "expires_at"),
)

consents = Table(
    "consents",
    _metadata,
    Column("username", Text, primary_key=True),
    Column("client_id", Text, primary_key=True),
    Column("audience", Text, primary_key=True),  # "" stands for none
    Column("scopes", Text, nullable=False),
)

grants = Table(
    "grants",
    _metadata,
    _number(),
    Column("grant_id", Text, nullable=False, unique=True),
    Column("client_id", Text, nullable=False),
    Column("username", Text),
    Column("audience", Text),
    Column("scopes", Text, nullable=False),
    Column("auth_time", Integer),
    Column("nonce", Text),
    Column("revoked", Boolean, nullable=False),
    Column("kept_until", Integer, nullable=False),
    Index("grants_by_holder", "client_id", "username", "number"),
    Index("grants_by_end", "kept_until"),
)

codes = Table(
    "codes",
    _metadata,
    _number(),
    Column("digest", Text, nullable=False, unique=True),
    _grant_id(),
    Column("redirect_uri", Text, nullable=False),
    Column("code_challenge", Text),
    Column("expires_at", Integer, nullable=False),
    Column("used", Boolean, nullable=False),
    Index("codes_by_grant", "grant_id"),
)

refresh_tokens = Table(
    "refresh_tokens",
    _metadata,
    _number(),
    Column("digest", Text, nullable=False, unique=True),
    _grant_id(),
    Column("expires_at", Integer, nullable=False),
    Column("used", Boolean, nullable=False),
    Index("refresh_tokens_by_grant", "grant_id", "number"),
    Index("refresh_tokens_by_end", "expires_at"),
)

access_tokens = Table(
    "access_tokens",
    _metadata,
    _number(),
    Column("jti", Text, nullable=False, unique=True),
    _grant_id(),
    Column("expires_at", Integer, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index("access_tokens_by_grant", "grant_id", "number"),
    Index("access_tokens_by_end", "expires_at"),
)


async def prepare(engine: AsyncEngine) -> None:
    """Create the tables in a new file; raises `DatabaseUnusable` if another program wrote it."""
    try:
        async with engine.begin() as connection:
            await connection.run_sync(_prepare, str(engine.url.database))
    except DBAPIError as error:
        raise DatabaseUnusable(
            f"The file {engine.url.database} cannot be used as an SQLite database: {error.orig}."
        ) from error


def _prepare(connection: Connection, file: str) -> None:
    # If two servers start at once, the second waits here and then finds the tables.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version == VERSION:
        return
    if version != 0 or inspect(connection).get_table_names():
        raise DatabaseUnusable(
            f"The file {file} was not written by this version of the authorization server. "
            "Run the version that wrote it, or delete the file (all users have to sign in again)."
        )
    _metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
