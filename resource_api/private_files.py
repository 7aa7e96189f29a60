"""Folders and files that are for their user alone, at every level that is made."""

from pathlib import Path


def private_folder(path: Path) -> None:
    """Make the folder and those above it that are missing; what is there keeps its mode.

    Raises:
        OSError: one of them cannot be made.
    """
    # `mkdir(parents=True)` gives its mode to the last one alone.
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def private_file(path: Path) -> None:
    """Make the file and its folder, if they are missing.

    Raises:
        OSError: it cannot be made.
    """
    private_folder(path.parent)
    path.touch(mode=0o600)
