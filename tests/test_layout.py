"""The layout of the checkout: no file that nothing names, no crowded folder, short front pages."""

import re
import subprocess
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[1]
MOST_FILES = 18
SOURCES = ("middleware", "resource_api", "demo", "drills", "benchmarks")
FOUND_BY_FOLDER = ("benchmarks/peers/", "resource_api/database/migrations/versions/")
"""Programs list the files of these folders: no file needs another to name it."""


def tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("this checkout is no git repository")
    return [path for line in listed.stdout.splitlines() if (path := CHECKOUT / line).is_file()]


def test_every_module_is_named_somewhere() -> None:
    texts = {
        path: path.read_text(encoding="utf-8")
        for path in tracked()
        if path.suffix in {".py", ".md", ".toml", ".sh", ""}
    }
    modules = {
        path: path.relative_to(CHECKOUT).as_posix()
        for path in texts
        if path.suffix == ".py" and not path.stem.startswith("_")
    }
    unnamed = [
        name
        for path, name in modules.items()
        if name.split("/")[0] in SOURCES
        and not name.startswith(FOUND_BY_FOLDER)
        and not any(
            re.search(rf"\b{path.stem}\b", text) for other, text in texts.items() if other != path
        )
    ]

    assert unnamed == []


def test_no_folder_has_too_many_files() -> None:
    counts: dict[str, int] = {}
    for path in tracked():
        folder = path.parent.relative_to(CHECKOUT).as_posix()
        counts[folder] = counts.get(folder, 0) + 1

    assert {folder: count for folder, count in counts.items() if count > MOST_FILES} == {}


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len((CHECKOUT / "README.md").read_text(encoding="utf-8").splitlines()) <= 120
