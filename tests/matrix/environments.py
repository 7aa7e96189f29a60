"""Creates a virtual environment for each Python, with all frameworks and servers."""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).parent
_REQUIREMENTS = sorted((_HERE / "requirements").glob("*.txt"))
_PROJECT = _HERE.parents[1] / "pyproject.toml"

_OLDEST_MINOR = 11
_NEWEST_MINOR = 15

_SECONDS = 600.0

_LAST_LINES = 15

THIS_PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


class NotInstalled(RuntimeError):
    """An environment could not be created."""


def interpreters() -> dict[str, str]:
    """Return the path of each Python from 3.11 that is installed, by its version."""
    found = {THIS_PYTHON: sys.executable}
    for minor in range(_OLDEST_MINOR, _NEWEST_MINOR + 1):
        version = f"3.{minor}"
        working = filter(_works, _candidates(version))
        if version not in found and (path := next(working, None)) is not None:
            found[version] = path
    return dict(sorted(found.items(), key=lambda item: int(item[0].split(".")[1])))


def _candidates(version: str) -> Iterator[str]:
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield on_path
    # pyenv puts a command on the path that only works in a folder where that version is chosen.
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}")))


def _works(path: str) -> bool:
    return _output(path, "-c", "import venv, ensurepip").returncode == 0


def python_for(version: str, base: str) -> Path:
    """Return the interpreter of the environment; create it if it is missing or outdated.

    Arguments:
        base: the interpreter from which it is created.

    Raises:
        NotInstalled: with the last lines of the command that failed.
    """
    home = _HERE / ".venvs" / version
    python = home / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed = home / "installed.txt"
    ours: list[str] = tomllib.loads(_PROJECT.read_text())["project"]["dependencies"]
    wanted = "\n".join([*ours, *(file.read_text() for file in _REQUIREMENTS)])
    if not installed.is_file() or installed.read_text() != wanted:
        files = [argument for file in _REQUIREMENTS for argument in ("-r", file)]
        _run(base, "-m", "venv", "--clear", home)
        _run(python, "-m", "pip", "install", "--quiet", *files, *ours)
        installed.write_text(wanted)
    return python


def _run(*command: str | Path) -> None:
    done = _output(*command)
    if done.returncode != 0:
        last = done.stdout.splitlines()[-_LAST_LINES:]
        raise NotInstalled("\n".join([" ".join(map(str, command)), *last]))


def _output(*command: str | Path) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_SECONDS,
        )
    except subprocess.TimeoutExpired as err:
        raise NotInstalled(f"{command[0]} did not end within {_SECONDS:.0f} s") from err
