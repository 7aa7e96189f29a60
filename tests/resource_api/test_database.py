"""SQLite as it is opened, and the schema as it comes about."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from resource_api.contacts import ContactFields, Owner
from resource_api.database import DatabaseUnusable, connect
from resource_api.schema import check, migrate, prepare
from resource_api.sql_store import SqlContactStore
from resource_api.store import StoreUnavailable
from resource_api.tables import metadata

OWNER = Owner("https://issuer.example/", "alice")


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 20000)],
)
async def test_every_sqlite_connection_is_opened_to_lose_nothing(
    tmp_path: Path, pragma: str, value: object
) -> None:
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")

    async with engine.connect() as connection:
        found = (await connection.execute(text(f"PRAGMA {pragma}"))).scalar_one()

    await engine.dispose()
    assert found == value


async def test_a_missing_file_and_its_folder_are_made_for_their_owner_alone(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path}/new/folder/c.sqlite3")
    await prepare(engine)
    await engine.dispose()

    assert (tmp_path / "new/folder/c.sqlite3").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "new/folder").stat().st_mode & 0o777 == 0o700


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(DatabaseUnusable, match=f"{tmp_path}/file/folder/c.sqlite3 cannot be made"):
        connect(f"sqlite:///{tmp_path}/file/folder/c.sqlite3")


async def test_a_file_that_is_no_database_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.sqlite3").write_bytes(b"no database" * 1000)
    engine = connect(f"sqlite:///{tmp_path}/c.sqlite3")

    with pytest.raises(DatabaseUnusable, match="file is not a database"):
        await prepare(engine)
    await engine.dispose()


async def test_migrating_twice_and_at_once_is_harmless(tmp_path: Path) -> None:
    engines = [connect(f"sqlite:///{tmp_path}/c.sqlite3") for _ in range(3)]

    await asyncio.gather(*(migrate(engine) for engine in engines))
    await migrate(engines[0])

    await check(engines[0])
    for engine in engines:
        await engine.dispose()


async def test_the_migrations_make_the_tables_that_the_code_reads(tmp_path: Path) -> None:
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


async def test_an_empty_database_is_not_what_the_code_needs(tmp_path: Path) -> None:
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


async def test_a_failing_database_is_told_apart_from_a_missing_contact(tmp_path: Path) -> None:
    store = SqlContactStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))

    with pytest.raises(StoreUnavailable):
        await store.page(OWNER, limit=1)
    await store.aclose()


async def test_a_failure_does_not_quote_what_the_contact_holds(tmp_path: Path) -> None:
    store = SqlContactStore(connect(f"sqlite:///{tmp_path}/c.sqlite3"))

    with pytest.raises(StoreUnavailable) as caught:
        await store.add(OWNER, ContactFields(name="Confidential"))
    await store.aclose()

    assert "Confidential" not in str(caught.value.__cause__)
