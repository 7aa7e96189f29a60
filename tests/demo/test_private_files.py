"""The files of the demo: only the user who started it can read them."""

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from demo.authorization_server.keys.key_file import load_or_create
from tests.support.demo_parties import running_parties


@pytest.fixture
def open_to_all() -> Generator[None]:
    """A umask with which every user could read new files."""
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(folder: Path) -> dict[str, int]:
    """Return the permissions that other users have for each file and folder."""
    found = folder.rglob("*")
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o077 for path in found}


@pytest.mark.usefixtures("open_to_all")
async def test_only_the_user_can_read_the_keys_the_databases_and_their_folders(
    tmp_path: Path,
) -> None:
    data = tmp_path / "var" / "lib" / "demo"
    load_or_create(data, [])

    async with running_parties(data) as parties:
        await parties.allowed(parties.authorization_url())
        modes = open_to_others(tmp_path)

    assert {name for name, mode in modes.items() if mode} == set()
    assert {
        "var/lib",
        "var/lib/demo/authorization-server/keys.json",
        "var/lib/demo/authorization-server/state.sqlite3",
        "var/lib/demo/authorization-server/state.sqlite3-wal",
        "var/lib/demo/web-application.sqlite3",
        "var/lib/demo/contacts.sqlite3",
    } <= modes.keys()
