"""Contacts in an SQL database."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from typing import NoReturn
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, and_, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from resource_api.contacts.model import ContactFields, Owner, StoredContact, new_contact_id
from resource_api.contacts.store import ContactChanged, ContactNotFound, StoreUnavailable
from resource_api.database.connect import POOL_SECONDS, POOL_SIZE
from resource_api.database.tables import contacts


class SqlContactStore:
    """A `ContactStore` on SQLAlchemy. Each method is one transaction.

    A transaction that changes something writes first and reads afterwards. If it read first, and
    another transaction wrote meanwhile, SQLite would refuse it the write lock.

    Arguments:
        clock: returns the time in seconds since the epoch.
        wait_seconds: how long a writer waits for other writers.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        *,
        clock: Callable[[], float] = time.time,
        wait_seconds: float = POOL_SECONDS,
    ) -> None:
        self._engine = engine
        # While writers wait for a lock, one connection stays free for readers.
        self._writers = asyncio.Semaphore(POOL_SIZE - 1)
        self._wait_seconds = wait_seconds
        self._clock = clock

    async def page(
        self, owner: Owner, *, limit: int, after: UUID | None = None
    ) -> list[StoredContact]:
        query = select(contacts).where(_owned(owner)).order_by(contacts.c.id).limit(limit)
        if after is not None:
            query = query.where(contacts.c.id > after)
        async with self._transaction() as connection:
            rows = (await connection.execute(query)).mappings()
            return [_contact(row) for row in rows]

    async def get(self, owner: Owner, contact_id: UUID) -> StoredContact:
        query = select(contacts).where(_one(owner, contact_id))
        async with self._transaction() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise ContactNotFound
        return _contact(row)

    async def add(self, owner: Owner, fields: ContactFields) -> StoredContact:
        now = self._now()
        contact = StoredContact(
            id=new_contact_id(), fields=fields, created=now, updated=now, version=1
        )
        statement = insert(contacts).values(
            id=contact.id,
            issuer=owner.issuer,
            subject=owner.subject,
            created=now,
            updated=now,
            version=contact.version,
            **fields.model_dump(),
        )
        async with self._writing() as connection:
            await connection.execute(statement)
        return contact

    async def replace(
        self,
        owner: Owner,
        contact_id: UUID,
        fields: ContactFields,
        *,
        versions: AbstractSet[int] | None = None,
    ) -> StoredContact:
        statement = (
            update(contacts)
            .where(_one(owner, contact_id, versions))
            .values(updated=self._now(), version=contacts.c.version + 1, **fields.model_dump())
            .returning(*contacts.c)
        )
        async with self._writing() as connection:
            row = (await connection.execute(statement)).mappings().one_or_none()
            if row is None:
                await self._refuse(connection, owner, contact_id)
        return _contact(row)

    async def remove(
        self, owner: Owner, contact_id: UUID, *, versions: AbstractSet[int] | None = None
    ) -> None:
        statement = delete(contacts).where(_one(owner, contact_id, versions))
        async with self._writing() as connection:
            if (await connection.execute(statement)).rowcount == 0:
                await self._refuse(connection, owner, contact_id)

    async def ping(self) -> None:
        async with self._transaction() as connection:
            await connection.execute(text("SELECT 1"))

    async def aclose(self) -> None:
        await self._engine.dispose()

    def _now(self) -> int:
        return int(self._clock() * 1000)

    async def _refuse(
        self, connection: AsyncConnection, owner: Owner, contact_id: UUID
    ) -> NoReturn:
        query = select(contacts.c.version).where(_one(owner, contact_id))
        found = (await connection.execute(query)).one_or_none()
        raise ContactNotFound if found is None else ContactChanged

    @asynccontextmanager
    async def _writing(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with asyncio.timeout(self._wait_seconds):
                await self._writers.acquire()
        except TimeoutError:
            raise StoreUnavailable("too many writers are waiting") from None
        try:
            async with self._transaction() as connection:
                yield connection
        finally:
            self._writers.release()

    @asynccontextmanager
    async def _transaction(self) -> AsyncGenerator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeout, OSError) as error:  # drivers raise OSError on connecting
            raise StoreUnavailable(_reason(error)) from error


def _reason(error: Exception) -> str:
    # The first line of the driver's message. Later lines can hold statements and the data of rows.
    cause = error.orig if isinstance(error, DBAPIError) else error
    return f"{type(cause).__name__}: {cause}".partition("\n")[0]


def _owned(owner: Owner) -> ColumnElement[bool]:
    return and_(contacts.c.issuer == owner.issuer, contacts.c.subject == owner.subject)


def _one(
    owner: Owner, contact_id: UUID, versions: AbstractSet[int] | None = None
) -> ColumnElement[bool]:
    clause = and_(_owned(owner), contacts.c.id == contact_id)
    return clause if versions is None else and_(clause, contacts.c.version.in_(versions))


def _contact(members: RowMapping) -> StoredContact:
    return StoredContact(
        id=members["id"],
        fields=ContactFields.model_construct(
            name=members["name"],
            email=members["email"],
            phone=members["phone"],
            note=members["note"],
        ),
        created=members["created"],
        updated=members["updated"],
        version=members["version"],
    )
