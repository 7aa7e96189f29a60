"""Creates files and folders that only their owner can read, missing parent folders included."""

from pathlib import Path


def private_folder(path: Path) -> None:
    """Create the folder and its missing parents; existing folders keep their mode.

    Raises:
        OSError: a folder cannot be created.
    """
    # `mkdir(parents=True)` applies its mode to the last folder only.
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


def private_file(path: Path) -> None:
    """Create the file and its folder, if they are missing.

    Raises:
        OSError: the file or a folder cannot be created.
    """
    private_folder(path.parent)
    path.touch(mode=0o600)
