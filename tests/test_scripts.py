"""scripts/setup.sh, which every script runs first: it installs missing packages, once."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.demo_process import CHECKOUT

PYTHON = """\
#!/bin/sh
# Stands in for the interpreter of .venv; its pip prints the output that the test sets.
case "$*" in
*"-m pip install"*)
    echo "$*" >>"$0.asked"
    cat "$0.output"
    cat "$0.errors" >&2
    exit "$(cat "$0.status")"
    ;;
esac
"""

OLD_PIP = """\
Obtaining file:///checkout
  Installing build dependencies: started
  Installing build dependencies: finished with status 'done'
Collecting starlette>=1.0.1 (from asgi-bearer==0.1.0)
  Downloading starlette-1.10.0-py3-none-any.whl (80 kB)
Collecting pyjwt[crypto]>=2.13 (from asgi-bearer==0.1.0)
  Using cached pyjwt-2.15.1-py3-none-any.whl (33 kB)
Collecting greenlet>=1 (from sqlalchemy[asyncio]>=2.0.40->asgi-bearer==0.1.0)
  Downloading greenlet-3.5.6.tar.gz (190 kB)
Building wheels for collected packages: greenlet, asgi-bearer
  Building wheel for greenlet (pyproject.toml): started
  Building wheel for greenlet (pyproject.toml): finished with status 'done'
  Building editable for asgi-bearer (pyproject.toml): started
  Building editable for asgi-bearer (pyproject.toml): finished with status 'done'
Installing collected packages: starlette, pyjwt, greenlet, asgi-bearer
Successfully installed asgi-bearer-0.1.0 greenlet-3.5.6 pyjwt-2.15.1 starlette-1.10.0
"""

NEW_PIP = """\
Collecting starlette>=1.0.1 (from asgi-bearer==0.1.0)
  Downloading https://index.example/a-b/starlette-1.10.0-py3-none-any.whl.metadata (6.1 kB)
Collecting cffi>=2.0.0 (from cryptography>=45->asgi-bearer==0.1.0)
  Using cached cffi-2.1.1-cp311-cp311-manylinux_2_17_x86_64.whl.metadata (1.5 kB)
Downloading https://index.example/a-b/starlette-1.10.0-py3-none-any.whl (80 kB)
Using cached cffi-2.1.1-cp311-cp311-manylinux_2_17_x86_64.whl (217 kB)
Installing collected packages: starlette, cffi, asgi-bearer

Successfully installed asgi-bearer-0.1.0 cffi-2.1.1 starlette-1.10.0
"""


class FakeCheckout:
    """A folder with the scripts and a `.venv` without packages."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "scripts").mkdir()
        for name in ("scripts/setup.sh", "pyproject.toml"):
            shutil.copy(CHECKOUT / name, folder / name)
        self._python = folder / ".venv" / "bin" / "python"
        self._python.parent.mkdir(parents=True)
        self._python.write_text(PYTHON)
        self._python.chmod(0o755)
        self.pip()

    def pip(self, output: str = NEW_PIP, *, errors: str = "", status: int = 0) -> None:
        """Set the behaviour of pip."""
        for name, text in {"output": output, "errors": errors, "status": str(status)}.items():
            self._python.with_suffix(f".{name}").write_text(text)

    @property
    def installed(self) -> list[str]:
        """The installations that pip was asked for, with their extras."""
        asked = self._python.with_suffix(".asked")
        return [line.split()[-1] for line in asked.read_text().splitlines()]

    def run(self, extras: str) -> subprocess.CompletedProcess[str]:
        """Run a script that needs these extras."""
        script = self.folder / "scripts" / "show"
        script.write_text(f'set -eu\nset -- {extras}\n. "$(dirname "$0")/setup.sh"\necho ready\n')
        return subprocess.run(
            ["sh", script],
            env={"PATH": "/usr/bin:/bin", "PYTHON": str(self._python)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def checkout(tmp_path: Path) -> FakeCheckout:
    return FakeCheckout(tmp_path)


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        (
            OLD_PIP,
            [
                "  downloading what installs the checkout itself",
                "  asking the package index what is needed",
                "  downloading starlette (80 kB)",
                "  downloading pyjwt (33 kB)",
                "  downloading greenlet (190 kB)",
                "  building greenlet, of which the index has no wheel for this machine",
                "  installing 3 packages",
            ],
        ),
        (
            NEW_PIP,
            [
                "  asking the package index what is needed",
                "  downloading starlette (80 kB)",
                "  downloading cffi (217 kB)",
                "  installing 2 packages",
            ],
        ),
        ("Something else\n* \n", []),
    ],
    ids=["pip 23", "pip 25", "another pip"],
)
def test_setup_prints_a_line_for_each_step_of_an_installation(
    checkout: FakeCheckout, output: str, lines: list[str]
) -> None:
    checkout.pip(output)

    done = checkout.run("demo")

    first, *steps = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (0, "ready\n")
    assert first.startswith("Installing what ")
    assert steps == lines


def test_setup_does_not_install_the_same_extras_twice(checkout: FakeCheckout) -> None:
    checkout.run("demo")

    again = checkout.run("demo")

    assert (again.stdout, again.stderr) == ("ready\n", "")
    assert checkout.installed == [".[demo]"]


def test_setup_installs_nothing_for_a_subset_of_the_installed_extras(
    checkout: FakeCheckout,
) -> None:
    for extras in ("demo,api,test,bench", "demo,api,test", "demo"):
        checkout.run(extras)

    assert checkout.installed == [".[demo,api,test,bench]"]


def test_setup_installs_again_after_a_change_of_pyproject_toml(checkout: FakeCheckout) -> None:
    checkout.run("demo")
    with (checkout.folder / "pyproject.toml").open("a") as file:
        file.write("# changed\n")

    checkout.run("demo")

    assert len(checkout.installed) == 2


def test_setup_reports_why_pip_failed_and_stops_the_script(checkout: FakeCheckout) -> None:
    checkout.pip("Collecting nonsense\n", errors="ERROR: No matching distribution\n", status=1)

    failed = checkout.run("demo")
    checkout.pip()
    again = checkout.run("demo")

    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "ERROR: No matching distribution" in failed.stderr
    assert again.returncode == 0
    assert len(checkout.installed) == 2


@pytest.mark.parametrize("script", ["demo", "test", "check", "drills", "bench"])
def test_the_extras_of_each_script_are_a_prefix_of_the_longest_list(script: str) -> None:
    """Otherwise a script would install again what another script has just installed."""
    lists = ["demo", "demo,api,test", "demo,api,test,bench"]
    text = (CHECKOUT / "scripts" / script).read_text()

    (named,) = [line.split()[2] for line in text.splitlines() if line.startswith("set -- ")]

    assert named in lists
