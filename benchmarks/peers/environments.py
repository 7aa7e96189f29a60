"""Creates a virtual environment for each peer, because their requirements conflict."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_REQUIREMENTS = _HERE / "requirements"

_MINOR = {"fastapi_identity_model": 12, "ryjwt": 12}
"""The oldest Python 3 that a peer supports, if ours supports older ones."""

_NEWEST_MINOR = 14

_SECONDS = 600.0

_LAST_LINES = 15


class NotInstalled(RuntimeError):
    """A peer's environment could not be created."""


def names() -> set[str]:
    """Return the names of the peers that have an environment of their own."""
    return {path.stem for path in _REQUIREMENTS.glob("*.txt")}


def python_for(name: str) -> Path:
    """Return the interpreter of the peer's environment; create it if it is missing or outdated.

    Raises:
        NotInstalled: with the last lines of the command that failed.
    """
    requirements = _REQUIREMENTS / f"{name}.txt"
    home = _HERE / ".venvs" / name
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = home / "installed.txt"
    wanted = requirements.read_text()
    if not installed.is_file() or installed.read_text() != wanted:
        run(name, _base_python(name), "-m", "venv", "--clear", home)
        run(name, python, "-m", "pip", "install", "--quiet", "-r", requirements)
        installed.write_text(wanted)
    return python


def _base_python(name: str) -> str:
    oldest = _MINOR.get(name, 0)
    if sys.version_info >= (3, oldest):
        return sys.executable
    for minor in range(oldest, _NEWEST_MINOR + 1):
        found = shutil.which(f"python3.{minor}")
        # A version manager may offer a command for a Python that is not installed.
        if found and _output(name, found, "--version").returncode == 0:
            return found
    raise NotInstalled(f"{name} needs `python3.{oldest}` or later on the path")


def run(name: str, *command: str | Path, **options: Any) -> None:
    """Run a command that installs something.

    Arguments:
        name: for error messages.
        options: further arguments of `subprocess.run`.

    Raises:
        NotInstalled: with the last lines of the command if it failed.
    """
    done = _output(name, *command, **options)
    if done.returncode != 0:
        raise NotInstalled("\n".join([f"{name}:", *done.stdout.splitlines()[-_LAST_LINES:]]))


def _output(name: str, *command: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
            **options,
        )
    except subprocess.TimeoutExpired as err:
        raise NotInstalled(f"{name}: {command[0]} did not end within {_SECONDS:.0f} s") from err
