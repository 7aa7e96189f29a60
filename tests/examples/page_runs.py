"""Runs a page of a framework as a reader does: writes its files, starts the application, calls it.

A line `<!-- file: NAME -->` before a block makes the block that file. The blocks of commands with
`<!-- run: page -->` run in the folder of these files, in the order of the page. An application that
a block starts serves until a later block starts another one, or the page ends. It may print lines
`export NAME=VALUE`: later commands have these variables, as if a reader had pasted the lines.
"""

import os
import re
import subprocess
import sys
import time
from importlib.metadata import distribution
from pathlib import Path

import httpx

from tests.support.demo_process import free_ports
from tests.support.shell_blocks import Block, blocks, commands, shows, steps
from tests.support.shell_runs import DEADLINE, clean_environment, run

PLUGIN = "asgi_bearer.testing.plugin"

_FILE = re.compile(r"^<!-- file: (?P<name>[\w.]+) -->\n+```\w+\n(?P<text>.*?)^```$", re.M | re.S)
_ON_PORT = """
import runpy, sys
import uvicorn

port, name = int(sys.argv[1]), sys.argv[2]
sys.path[0] = "."
serve = uvicorn.run
uvicorn.run = lambda app, **settings: serve(app, **{**settings, "port": port})
if name.endswith(".py"):
    runpy.run_path(name, run_name="__main__")
else:
    uvicorn.run(name)
"""
"""Starts a program of a page, or an application, on a free port instead of 8000."""

_STARTS = re.compile(r"uvicorn main:app|python (local|main)\.py")
_EXPORT = re.compile(r"^export (?P<name>\w+)=(?P<value>\S+)$", re.M)
_INSTALL = re.compile(r"""pip install (?P<names>[\w\s\[\]"'-]+)""")


def page_files(markdown: str) -> dict[str, str]:
    """Return the files of a page, by name."""
    return {match["name"]: match["text"] for match in _FILE.finditer(markdown)}


def write_files(markdown: str, folder: Path) -> None:
    """Write the files of a page into `folder`."""
    for name, text in page_files(markdown).items():
        (folder / name).write_text(text, encoding="utf-8")


class PageRun:
    """One run of a page, with what its commands left behind.

    Arguments:
        folder: where the files of the page are.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._served: subprocess.Popen[bytes] | None = None
        (self._port,) = free_ports(1)
        self._environment = clean_environment(
            # Here the package may be installed without its entry points.
            PYTEST_ADDOPTS=f"-p no:asgi_bearer -p {PLUGIN}",
            # The programs of this interpreter's environment.
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )

    def run(self, command: str, line: int, shown: str | None) -> None:
        """Run a command of the block at `line`; it must print what the page shows, if it does."""
        if match := _INSTALL.fullmatch(command):
            _are_packages(match["names"])
            return
        if _STARTS.fullmatch(command):
            self.stop()
            self._serve(command)
            return
        command = command.replace("127.0.0.1:8000", f"127.0.0.1:{self._port}")
        printed = run(command, self._folder, self._environment)
        assert shown is None or shows(printed, shown), (
            f"line {line}: {command}\nprints:\n{printed}\nthe page:\n{shown}"
        )

    def stop(self) -> None:
        """Stop the application, if one serves."""
        if self._served is not None:
            self._served.terminate()
            self._served.wait(DEADLINE)
            self._served = None

    def _serve(self, command: str) -> None:
        printed = self._folder.parent / f"{self._folder.name}.printed"
        with printed.open("wb") as output:
            self._served = subprocess.Popen(
                [sys.executable, "-c", _ON_PORT, str(self._port), command.split()[1]],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            assert self._served.poll() is None, f"{command} has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        for match in _EXPORT.finditer(printed.read_text("utf-8")):
            self._environment[match["name"]] = match["value"]

    def _answers(self) -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{self._port}/", trust_env=False)
        except httpx.TransportError:
            return False
        return True


def run_page(markdown: str, folder: Path) -> int:
    """Run the blocks of a page; return how many commands were run."""
    write_files(markdown, folder)
    page = PageRun(folder)
    count = 0
    try:
        for block in blocks(markdown):
            if block.way == "page":
                for command, shown in _steps(block):
                    page.run(command, block.line, shown)
                    count += 1
    finally:
        page.stop()
    return count


def _steps(block: Block) -> list[tuple[str, str | None]]:
    """Return the commands of a block, each with the output that the page shows, if it does."""
    if block.language == "sh":
        return [(command, None) for command in commands(block)]
    return [(step.command, step.output) for step in steps(block)]


def _are_packages(names: str) -> None:
    """`pip install` reaches out: the tests only look whether there are such packages."""
    for name in re.sub(r"""\[\w+\]|["']""", "", names).split():
        distribution(name)
