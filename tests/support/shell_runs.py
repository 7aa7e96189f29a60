"""The ways to run the shell blocks of a document, in a copy of the checkout.

- `checkout`: `sh`; each command in the copy. Commands that would reach out or never end are
  checked instead, as `_INSTEAD` says for each.
- `demo`: `sh` and `console`; in a copy where `scripts/demo` runs, on free ports.
- `server`: `sh`; one command that starts the API. It must answer, and end when told to.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import httpx

from tests.support.demo_process import CHECKOUT, DemoProcess, free_ports
from tests.support.shell_blocks import Block, commands, shows, steps

DEADLINE = 180.0
"""Seconds for a command."""

_LEFT_OUT = (
    ".git",
    ".venv",
    "data",
    "node_modules",
    "test-artefacts",
    ".*_cache",
    "__pycache__",
    ".hypothesis",
    ".coverage*",
)

_STAMPS = """
for extras in demo demo,api,test; do
    : >".venv/asgi-bearer.$extras.$(cksum <pyproject.toml | tr ' ' '.')"
done
"""
"""Tells `scripts/setup.sh` that everything is installed. If it installs nevertheless, pip has no
index here, and the test fails."""


def copied_checkout(folder: Path) -> Path:
    """Return a copy of the checkout whose `.venv` is the environment of this interpreter."""
    environment = Path(sys.prefix)
    if not (environment / "pyvenv.cfg").is_file():
        raise AssertionError("run the documents in a virtual environment; scripts/test makes one")
    copy = folder / "asgi-bearer"
    shutil.copytree(CHECKOUT, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
    (copy / ".venv").mkdir()
    for entry in environment.iterdir():
        if not entry.name.startswith("asgi-bearer."):
            (copy / ".venv" / entry.name).symlink_to(entry)
    subprocess.run(["sh", "-eu", "-c", _STAMPS], cwd=copy, check=True)
    return copy


def clean_environment(**more: str) -> dict[str, str]:
    """Return the environment without settings of the API and without coverage of the copy."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RESOURCE_API_", "COVERAGE_", "COV_CORE_", "PIP_", "VIRTUAL_ENV"))
    }
    return {**kept, "PIP_NO_INDEX": "1", **more}


def run(command: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """Return what a shell command prints; it must succeed."""
    done = subprocess.run(
        ["sh", "-eu", "-c", command],
        cwd=folder,
        env=dict(environment or clean_environment()),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_in_checkout(block: Block, checkout: Path) -> None:
    """Run the commands of a block one by one, or check them as `_INSTEAD` says."""
    for command in commands(block):
        for pattern, check in _INSTEAD.items():
            if match := re.fullmatch(pattern, command):
                check(match, checkout)
                break
        else:
            run(command, checkout)


def run_with_demo(block: Block, checkout: Path, ports: tuple[int, int, int]) -> None:
    """Run a block as if the demo that has these ports had those of its defaults."""
    if block.language == "sh":
        for command in commands(block):
            run(_on_ports(command, ports), checkout)
        return
    for step in steps(block):
        output = run(_on_ports(step.command, ports), checkout)
        assert shows(output, step.output), (
            f"line {block.line}: {step.command}\nprints:\n{output}\nthe document:\n{step.output}"
        )


def _on_ports(command: str, ports: tuple[int, int, int]) -> str:
    api, issuer, _ = (f"127.0.0.1:{port}" for port in ports)
    command = command.replace("127.0.0.1:8000", api).replace("127.0.0.1:9000", issuer)
    return command.replace("demo token", f"demo token --issuer http://{issuer}/")


def run_server(block: Block, checkout: Path) -> None:
    """Run a block that starts the API; it must answer on its port and end on SIGTERM."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        # A shell may keep running above the command: the signal goes to the whole group.
        ["sh", "-eu", "-c", re.sub(r"\b8000\b", str(port), block.text)],
        cwd=checkout,
        env=clean_environment(RESOURCE_API_PORT=str(port)),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        assert _answers(f"http://127.0.0.1:{port}/healthz", process)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(DEADLINE)


def _answers(address: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return httpx.get(address, trust_env=False).status_code == 200
        except httpx.TransportError:
            time.sleep(0.05)
    return False


def _names_the_copy(match: re.Match[str], checkout: Path) -> None:
    """`git clone` reaches out: the folder that it makes must be the one that `cd` goes to."""
    assert match["folder"] == checkout.name, f"the folder of the clone is {match['folder']}"


def _is_the_copy(match: re.Match[str], checkout: Path) -> None:
    """Every command runs in the copy: `cd` must name its folder."""
    assert match["folder"] == checkout.name, f"{match['folder']} is not the folder of the clone"


def _demo_serves(match: re.Match[str], checkout: Path) -> None:
    """`scripts/demo` runs until Ctrl-C: it must serve, and end on SIGINT."""
    with DemoProcess(
        ["scripts/demo"], checkout / "logs", cwd=checkout, environment=clean_environment()
    ) as demo:
        assert demo.stop(signal.SIGINT) == 0


def _tests_are_run(match: re.Match[str], checkout: Path) -> None:
    """`scripts/test` runs this very test: here it runs a few others, in one process."""
    few = "--numprocesses 0 --quiet tests/test_conformance.py"
    assert " passed in " in run(f"{match[0]} {few}", checkout)


def _is_a_script(match: re.Match[str], checkout: Path) -> None:
    """`scripts/check` takes a minute, and CI runs it anyway: check only that it is a script."""
    run(f"test -x {match[0]} && sh -n {match[0]}", checkout)


def _is_our_package(match: re.Match[str], checkout: Path) -> None:
    """`pip install` reaches out: the name and the extras must be the project's."""
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    extras = set(filter(None, (match["extras"] or "").split(",")))
    assert match["name"] == project["name"]
    assert extras <= set(project["optional-dependencies"])


def _is_a_package(match: re.Match[str], checkout: Path) -> None:
    """`pip install .` reaches out: the folder must be a project."""
    run("test -f pyproject.toml", checkout)


def _is_unknown(match: re.Match[str], checkout: Path) -> None:
    """The tests run no command that could install or reach out: it needs a check of its own."""
    raise AssertionError(f"{match[0]!r} is not run here, and there is no check for it")


_INSTEAD: dict[str, Callable[[re.Match[str], Path], None]] = {
    r"git clone https://\S+/(?P<folder>[\w.-]+?)(\.git)?": _names_the_copy,
    r"cd (?P<folder>[\w.-]+)": _is_the_copy,
    r"scripts/demo": _demo_serves,
    r"scripts/test( --all)?": _tests_are_run,
    r"scripts/check": _is_a_script,
    r"pip install \.": _is_a_package,
    r"""(python -m )?pip install ['"]?(?P<name>[\w-]+)(\[(?P<extras>[\w,-]+)\])?['"]?""": (
        _is_our_package
    ),
    r".*\b(git|pip|uv|curl https:)\b.*": _is_unknown,
}
"""Commands that are checked instead of run. Write `git clone …` and `cd …` on two lines."""
