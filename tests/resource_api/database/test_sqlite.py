"""SQLite: how the API opens it, migrates it, and waits for its write lock."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncGenerator, Generator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import text

from resource_api.contacts.model import ContactFields, Owner, StoredContact
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactNotFound, StoreUnavailable
from resource_api.database.connect import (
    BUSY_SECONDS,
    POOL_SECONDS,
    POOL_SIZE,
    DatabaseUnusable,
    connect,
)
from resource_api.database.schema import check, migrate, prepare
from resource_api.database.tables import metadata
from resource_api.private_files import private_file

OWNER = Owner("https://issuer.example/", "alice")
FIELDS = ContactFields(name="Bob")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
async def test_every_sqlite_connection_is_opened_to_lose_nothing(
    tmp_path: Path, pragma: str, value: object
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")

    async with engine.connect() as connection:
        found = (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one()

    await engine.dispose()
    assert found == value


async def test_a_missing_file_and_folder_are_created_for_this_user_alone(
    tmp_path: Path,
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/new/folder/c.sqlite3")
    await prepare(engine)
    await engine.dispose()

    assert (tmp_path / "new/folder/c.sqlite3").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new/folder").stat().st_mode & 0o777 == 0o700


def test_the_error_names_a_file_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DatabaseUnusable, match=r"Cannot create the file .*/folder/c\.sqlite3"):
        connect(f"sqlite:///{tmp_path}/file/folder/c.sqlite3")


async def test_a_file_that_is_not_a_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite3").write_bytes(b"no database" * 1000)
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")

    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        await prepare(engine)
    await engine.dispose()


async def test_a_database_can_be_migrated_twice_and_by_several_at_once(tmp_path: Path) -> None:
    engines = [connect(f"sqlite:///{tmp_path}/c.sqlite3") for _ in range(3)]

    await asyncio.gather(*(migrate(engine) for engine in engines))
    await migrate(engines[0])

    await check(engines[0])
    for engine in engines:
        await engine.dispose()


async def test_the_migrations_create_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")
    await migrate(engine)
    query = text("SELECT sql FROM sqlite_master WHERE name LIKE 'contacts%' ORDER BY name")
    async with engine.connect() as connection:
        migrated = (await connection.execute(query)).scalars().all()
    async with engine.begin() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)
        declared = (await connection.execute(query)).scalars().all()
    await engine.dispose()

    assert len(declared) == 2
    assert migrated == declared


async def test_an_empty_database_is_refused_until_it_is_migrated(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")

    with pytest.raises(DatabaseUnusable, match="python -m resource_api migrate"):
        await check(engine)
    await engine.dispose()


async def test_a_database_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")
    await migrate(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    with pytest.raises(DatabaseUnusable, match="newer version"):
        await prepare(engine)
    await engine.dispose()


async def test_a_database_failure_is_not_reported_as_a_missing_contact(tmp_path: Path) -> None:
    store = SqlContactStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))

    with pytest.raises(StoreUnavailable):
        await store.page(OWNER, limit=1)
    await store.aclose()


async def test_a_failure_does_not_quote_the_contact(tmp_path: Path) -> None:
    store = SqlContactStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))

    with pytest.raises(StoreUnavailable) as caught:
        await store.add(OWNER, ContactFields(name="Confidential"))
    await store.aclose()

    assert "Confidential" not in f"{caught.value} {caught.value.__cause__}"


@asynccontextmanager
async def opened(
    folder: Path, *, wait_seconds: float = POOL_SECONDS
) -> AsyncGenerator[SqlContactStore]:
    """Open an empty store, and close it at the end of the block."""
    engine = connect(f"sqlite:///{folder}/c.sqlite3")
    await prepare(engine)
    store = SqlContactStore(engine, wait_seconds=wait_seconds)
    try:
        yield store
    finally:
        await store.aclose()


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold the write lock, as another process does during a transaction."""
    with closing(sqlite3.connect(folder / "c.sqlite3", isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def writing(store: SqlContactStore, times: int) -> list[asyncio.Task[StoredContact]]:
    """Start several writers at once."""
    return [asyncio.create_task(store.add(OWNER, FIELDS)) for _ in range(times)]


async def test_reads_go_on_while_writers_wait_for_another_process(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with locked(tmp_path):
            writers = writing(store, 2 * POOL_SIZE)
            await asyncio.sleep(0)  # each writer asks for its connection now

            async with asyncio.timeout(BUSY_SECONDS - 1):
                before = await store.page(OWNER, limit=100)

        await asyncio.gather(*writers)
        after = await store.page(OWNER, limit=100)

    assert (len(before), len(after)) == (0, 2 * POOL_SIZE)


async def test_a_writer_that_waits_too_long_for_other_writers_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, wait_seconds=0.01) as store:
        with locked(tmp_path):
            writers = writing(store, POOL_SIZE)
            refused, waiting = await asyncio.wait(
                writers, timeout=BUSY_SECONDS - 1, return_when=asyncio.FIRST_COMPLETED
            )
        await asyncio.gather(*waiting)

    assert [str(writer.exception()) for writer in refused] == ["too many writers are waiting"]


async def test_a_writer_that_fails_lets_the_next_one_write(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        for _ in range(POOL_SIZE):
            with pytest.raises(ContactNotFound):
                await store.remove(OWNER, UUID(int=0))

        async with asyncio.timeout(60):
            await store.add(OWNER, FIELDS)


async def test_a_writer_that_waits_too_long_for_another_process_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource_api.database.connect.BUSY_SECONDS", 0.01)
    async with opened(tmp_path) as store:
        with locked(tmp_path), pytest.raises(StoreUnavailable) as caught:
            await store.add(OWNER, FIELDS)

    assert str(caught.value) == "OperationalError: database is locked"


async def test_a_caller_that_waits_too_long_for_a_connection_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resource_api.database.connect.POOL_SECONDS", 0.01)
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")
    async with AsyncExitStack() as taken:
        taken.push_async_callback(engine.dispose)
        for _ in range(POOL_SIZE):
            _ = await taken.enter_async_context(engine.connect())

        async with asyncio.timeout(60):
            with pytest.raises(StoreUnavailable, match="connection timed out"):
                await SqlContactStore(engine).ping()


@pytest.fixture
def umask() -> Iterator[None]:
    """Create files with exactly the modes that the code asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_every_created_folder_is_for_its_user_alone(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir(mode=0o755)
    file = tmp_path / "there/a/b/c/contacts.sqlite3"

    private_file(file)
    private_file(file)

    modes = {path.name: path.stat().st_mode & 0o777 for path in (file, *file.parents[:4])}
    assert modes == {"contacts.sqlite3": 0o600, "c": 0o700, "b": 0o700, "a": 0o700, "there": 0o755}
