"""Runs a page of a framework as a reader does: writes its files, starts the application, calls it.

A line `<!-- file: NAME -->` before a block makes the block that file. The blocks of commands with
`<!-- run: page -->` run in the folder of these files, in the order of the page. An application that
a block starts serves until the end of the page, and the tokens of a `FakeIssuer` are good for it:
`$TOKEN` has the scope `read:items`, `$OTHER` has not.
"""

import os
import re
import subprocess
import sys
import time
from contextlib import ExitStack
from importlib.metadata import distribution
from pathlib import Path

import httpx

from asgi_bearer.testing import FakeIssuer
from tests.support.demo_process import free_ports
from tests.support.shell_blocks import Block, blocks, commands, shows, steps
from tests.support.shell_runs import DEADLINE, clean_environment, run

ISSUER = "https://tenant.example/"
AUDIENCE = "https://api.example/items"
"""What the files of a page are configured with; a reader writes other names there."""

PLUGIN = "asgi_bearer.testing.plugin"

_FILE = re.compile(r"^<!-- file: (?P<name>[\w.]+) -->\n+```\w+\n(?P<text>.*?)^```$", re.M | re.S)
_INSTALL = re.compile(r"""pip install (?P<names>[\w\s\[\]"'-]+)""")


def page_files(markdown: str) -> dict[str, str]:
    """Return the files of a page, by name."""
    return {match["name"]: match["text"] for match in _FILE.finditer(markdown)}


def write_files(markdown: str, folder: Path, *, issuer: str = ISSUER) -> None:
    """Write the files of a page into `folder`.

    Arguments:
        issuer: the issuer to write instead of the page's.
    """
    for name, text in page_files(markdown).items():
        (folder / name).write_text(text.replace(ISSUER, issuer), encoding="utf-8")


def run_page(markdown: str, folder: Path) -> int:
    """Run the blocks of a page; return how many commands were run."""
    count = 0
    issuer = FakeIssuer(audience=AUDIENCE)
    with ExitStack() as stack:
        url = stack.enter_context(issuer.serve())
        write_files(markdown, folder, issuer=url)
        (port,) = free_ports(1)
        environment = clean_environment(
            TOKEN=issuer.token(scope="read:items"),
            OTHER=issuer.token(scope="openid"),
            # Here the package may be installed without its entry points.
            PYTEST_ADDOPTS=f"-p no:asgi_bearer -p {PLUGIN}",
            # The programs of this interpreter's environment.
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        )
        for block in blocks(markdown):
            if block.way != "page":
                continue
            for command, output in _steps(block):
                count += 1
                if match := _INSTALL.fullmatch(command):
                    _are_packages(match["names"])
                elif command.startswith("uvicorn "):
                    _serve(command, port, folder, environment, stack)
                else:
                    printed = run(
                        command.replace("127.0.0.1:8000", f"127.0.0.1:{port}"), folder, environment
                    )
                    assert output is None or shows(printed, output), (
                        f"line {block.line}: {command}\nprints:\n{printed}\nthe page:\n{output}"
                    )
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


def _serve(
    command: str, port: int, folder: Path, environment: dict[str, str], stack: ExitStack
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", *command.split(), "--port", str(port)],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    stack.callback(process.wait, DEADLINE)
    stack.callback(process.terminate)
    deadline = time.monotonic() + DEADLINE
    while True:
        assert process.poll() is None
        assert time.monotonic() < deadline
        try:
            httpx.get(f"http://127.0.0.1:{port}/", trust_env=False)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
