"""A user's project: a folder where pytest runs in a process of its own, with the package installed.

Installed means that the metadata names the plugin, as that of a wheel does.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def run_pytest(
    folder: Path, files: Mapping[str, str], *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Write `files` into `folder`, run pytest there, and return the finished process."""
    project = folder / "project"
    for name, text in files.items():
        file = project / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    environment["PYTHONPATH"] = os.pathsep.join(
        map(str, (project, _installed(folder), CHECKOUT / "middleware"))
    )
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _installed(folder: Path) -> Path:
    """Return a folder with the metadata of the package, as pyproject.toml describes it."""
    described = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    metadata = folder / "installed" / "asgi_bearer-0.dist-info"
    metadata.mkdir(parents=True, exist_ok=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.4\nName: {described['name']}\nVersion: 0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(
        "".join(
            f"[{group}]\n" + "".join(f"{name} = {module}\n" for name, module in points.items())
            for group, points in described["entry-points"].items()
        ),
        encoding="utf-8",
    )
    return metadata.parent
