"""The demo's folders: keys and databases are for the user who started it, and for nobody else."""

from pathlib import Path


def make_private(folder: Path) -> None:
    """Make a folder, and those on the way to it that are missing, each for this user alone.

    Folders that exist stay as they are. `Path.mkdir` with `parents` would leave the folders on the
    way open to others. Raises OSError.
    """
    if folder.is_dir():
        return
    make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
