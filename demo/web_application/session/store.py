"""The sessions in a database, found by their cookie's digest, sealed with the cookie itself."""

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
"""Seconds after which a session ends, whatever has happened in it."""

MAX_SESSIONS = 1000
"""More than that and the oldest go, those without a sign-in first: anybody can open one."""

_VERSION = 1
"""Of the table and of what stands in it, kept as SQLite's `user_version`."""

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
        token: makes the values of cookies.
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
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self) -> None:
        """Make the table; raises `DatabaseUnusable` for a file of another version."""
        try:
            async with self._engine.begin() as connection:
                await connection.run_sync(_prepare)
        except (DBAPIError, OSError) as error:
            raise DatabaseUnusable(
                f"The web application's database does not answer as it should: {error}."
            ) from None

    async def aclose(self) -> None:
        """Close the database."""
        await self._engine.dispose()

    @asynccontextmanager
    async def turn(self, secret: str) -> AsyncGenerator[None]:
        """Wait for the other requests of a session: two must not use one refresh token at once."""
        async with self._turns.setdefault(_digest(secret), asyncio.Lock()):
            yield

    async def session(self, secret: str) -> Session | None:
        """Return the session of a cookie, None if there is none (any more)."""
        query = select(_sessions.c.content).where(
            _sessions.c.digest == _digest(secret), _sessions.c.opened > self._now() - LIFETIME
        )
        async with self._engine.begin() as connection:
            kept = (await connection.execute(query)).scalar_one_or_none()
        content = None if kept is None else unsealed(secret, kept)
        try:
            return None if content is None else _content.validate_json(content)
        except ValidationError:
            # Not chained, not told: the error would quote what is kept.
            return None

    async def open(self, session: Session) -> str:
        """Keep a new session and return the value of its cookie."""
        async with self._engine.begin() as connection:
            return await self._open(connection, session)

    async def keep(self, secret: str, session: Session) -> None:
        """Keep another content for a session that is open; a closed one stays closed."""
        statement = (
            update(_sessions)
            .where(_sessions.c.digest == _digest(secret))
            .values(**_row(secret, session))
        )
        async with self._engine.begin() as connection:
            await connection.execute(statement)

    async def renew(self, secret: str, session: Session) -> str | None:
        """Keep a session under another cookie and close the old one, against session fixation.

        Returns None, and keeps nothing, if the old one is closed already.
        """
        async with self._engine.begin() as connection:
            closed = delete(_sessions).where(_sessions.c.digest == _digest(secret))
            if (await connection.execute(closed)).rowcount != 1:
                return None
            return await self._open(connection, session)

    async def close(self, secret: str) -> None:
        """Forget a session."""
        async with self._engine.begin() as connection:
            await connection.execute(delete(_sessions).where(_sessions.c.digest == _digest(secret)))

    async def _open(self, connection: AsyncConnection, session: Session) -> str:
        secret = self._token()
        now = self._now()
        await connection.execute(
            insert(_sessions).values(digest=_digest(secret), opened=now, **_row(secret, session))
        )
        await connection.execute(delete(_sessions).where(_sessions.c.opened <= now - LIFETIME))
        last = (_sessions.c.signed_in.desc(), _sessions.c.opened.desc(), _sessions.c.digest)
        surplus = select(_sessions.c.digest).where(_sessions.c.digest != _digest(secret))
        surplus = surplus.order_by(*last).offset(MAX_SESSIONS - 1)
        await connection.execute(delete(_sessions).where(_sessions.c.digest.in_(surplus)))
        return secret

    def _now(self) -> int:
        return int(self._clock())


def _row(secret: str, session: Session) -> dict[str, object]:
    return {
        "signed_in": session.signed_in is not None,
        "content": sealed(secret, _content.dump_json(session).decode("utf-8")),
    }


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()


def _prepare(connection: Connection) -> None:
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version not in {0, _VERSION}:
        raise DatabaseUnusable(
            f"The web application's database is of version {version}, expected {_VERSION}: "
            "delete the file, and everybody signs in again."
        )
    _metadata.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")


def sealed(secret: str, content: str) -> str:
    """Return the content, encrypted and authenticated.

    Arguments:
        secret: the cookie's value; only its digest is kept on this side.
    """
    return _fernet(secret).encrypt(content.encode()).decode("ascii")


def unsealed(secret: str, text: str) -> str | None:
    """Return the content, None where this cookie did not seal it."""
    try:
        return _fernet(secret).decrypt(text).decode()
    except InvalidToken:
        return None


def _fernet(secret: str) -> Fernet:
    # HKDF suffices, no password hash: the secret is random and long. `info` keeps the key apart
    # from the digest by which the session is found.
    kdf = HKDF(SHA256(), length=32, salt=None, info=b"content of a web application's session")
    return Fernet(urlsafe_b64encode(kdf.derive(secret.encode())))
