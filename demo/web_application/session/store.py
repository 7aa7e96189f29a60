"""The database of sessions: rows are found by the cookie's digest and encrypted with the cookie.

Without the cookies, the file reveals nothing.
"""

import asyncio
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from weakref import WeakValueDictionary

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from demo.web_application.session.session import Session
from resource_api.database.connect import DatabaseUnusable

LIFETIME = 12 * 3600
"""Seconds after which a session ends, even if it is in use."""

MAX_SESSIONS = 1000
"""Beyond this number, the oldest sessions are deleted, those without a sign-in first."""

_VERSION = 1
"""The version of the table, stored as SQLite's `user_version`."""

_metadata = MetaData()
_sessions = Table(
    "sessions",
    _metadata,
    Column("digest", String(64), primary_key=True),
    Column("opened", BigInteger, nullable=False),
    Column("signed_in", Boolean, nullable=False),
    Column("content", Text, nullable=False),
)
_content = TypeAdapter(Session)


class Sessions:
    """The sessions of all browsers.

    Arguments:
        clock: seconds since the epoch.
        token: returns a random value for a cookie.
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
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self) -> None:
        """Create the table; raises `DatabaseUnusable` for a file of another version."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(_prepare)
        except (DBAPIError, OSError) as error:
            raise DatabaseUnusable(
                f"The web application's database cannot be used: {error}."
            ) from None

    async def aclose(self) -> None:
        """Close the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def lock(self, secret: str) -> AsyncGenerator[None]:
        """Serialize the requests of a session: two must not use one refresh token at once."""
        async with self._locks.setdefault(_digest(secret), asyncio.Lock()):
            yield

    async def session(self, secret: str) -> Session | None:
        """Return the session of a cookie, None if there is none or it has expired."""
        query = select(_sessions.c.content).where(
            _sessions.c.digest == _digest(secret),
            _sessions.c.opened > int(self._clock()) - LIFETIME,
        )
        async with self._engine.begin() as connection:
            row = (await connection.execute(query)).scalar_one_or_none()
        try:
            return None if row is None else _content.validate_json(_fernet(secret).decrypt(row))
        except (InvalidToken, ValidationError):
            # Encrypted with another cookie, or by another version. Not logged: the second error
            # quotes the content.
            return None

    async def open(self, session: Session) -> str:
        """Insert a new session and return the value of its cookie."""
        async with self._engine.begin() as connection:
            return await self._open(connection, session)

    async def save(self, secret: str, session: Session) -> None:
        """Replace the content of a session; a closed session stays closed."""
        replaced = update(_sessions).where(_sessions.c.digest == _digest(secret))
        async with self._engine.begin() as connection:
            await connection.execute(replaced.values(**_row(secret, session)))

    async def renew(self, secret: str, session: Session) -> str | None:
        """Give a session a new cookie and close the old one, against session fixation.

        Returns None if the old one is closed already.
        """
        async with self._engine.begin() as connection:
            closed = delete(_sessions).where(_sessions.c.digest == _digest(secret))
            if (await connection.execute(closed)).rowcount != 1:
                return None
            return await self._open(connection, session)

    async def close(self, secret: str) -> None:
        """Delete a session."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_sessions).where(_sessions.c.digest == _digest(secret)))

    async def _open(self, connection: AsyncConnection, session: Session) -> str:
        secret, now = self._token(), int(self._clock())
        await connection.execute(
            insert(_sessions).values(digest=_digest(secret), opened=now, **_row(secret, session))
        )
        await connection.execute(delete(_sessions).where(_sessions.c.opened <= now - LIFETIME))
        last = (_sessions.c.signed_in.desc(), _sessions.c.opened.desc(), _sessions.c.digest)
        surplus = select(_sessions.c.digest).where(_sessions.c.digest != _digest(secret))
        surplus = surplus.order_by(*last).offset(MAX_SESSIONS - 1)
        await connection.execute(delete(_sessions).where(_sessions.c.digest.in_(surplus)))
        return secret


def _row(secret: str, session: Session) -> dict[str, object]:
    return {
        "signed_in": session.signed_in is not None,
        "content": encrypted(secret, _content.dump_json(session).decode("utf-8")),
    }


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _prepare(connection: Connection) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version not in {0, _VERSION}:
        raise DatabaseUnusable(
            f"The web application's database has version {version}, expected {_VERSION}: "
            "delete the file. People then have to sign in again."
        )
    _metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")


def encrypted(secret: str, content: str) -> str:
    """Return the content, encrypted and authenticated.

    Arguments:
        secret: the cookie's value; the database has only its digest.
    """
    return _fernet(secret).encrypt(content.encode()).decode("ascii")


def _fernet(secret: str) -> Fernet:
    # HKDF is enough, because the secret is long and random. `info` separates the key from the
    # digest that finds the session.
    kdf = HKDF(SHA256(), length=32, salt=None, info=b"content of a web application's session")
    return Fernet(urlsafe_b64encode(kdf.derive(secret.encode())))
