"""The tests of each example pass; those of FastAPI and Starlette start with one command."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from asgi_bearer.testing import FakeIssuer
from tests.examples.page_runs import PLUGIN
from tests.support.asgi import bearer
from tests.support.demo_process import CHECKOUT, free_ports

EXAMPLES = sorted(path.parent for path in (CHECKOUT / "examples").glob("*/test_main.py"))
STARTED = [CHECKOUT / "examples" / name for name in ("fastapi", "starlette")]
"""Other examples are started by the tests of their frameworks."""

DEADLINE = 120.0
"""Seconds; generous, for a busy machine."""


def name(folder: Path) -> str:
    return folder.name


@contextmanager
def running(folder: Path, issuer: str, audience: str) -> Generator[httpx.Client]:
    """Start an example with the command in its docstring, on a free port."""
    (port,) = free_ports(1)
    match = re.search(r"Start it with `uvicorn (\S+)`", (folder / "main.py").read_text())
    assert match is not None
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", match[1], "--port", str(port)],
        cwd=folder,
        env={**os.environ, "ISSUER": issuer, "AUDIENCE": audience},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            deadline = time.monotonic() + DEADLINE
            while not answers(client):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield client
    finally:
        process.terminate()
        process.wait(DEADLINE)


def answers(client: httpx.Client) -> bool:
    try:
        return client.get("/items").status_code > 0
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("folder", EXAMPLES, ids=name)
def test_the_tests_of_an_example_pass(folder: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, str(folder)],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr


@pytest.mark.parametrize("folder", STARTED, ids=name)
def test_an_example_starts_with_one_command(folder: Path) -> None:
    issuer = FakeIssuer()
    with issuer.serve() as url, running(folder, url, issuer.audience) as client:
        reader, other = issuer.token(scope="read:items"), issuer.token(scope="openid")

        assert client.get("/healthz").status_code == 200
        assert client.get("/items").status_code == 401
        assert client.get("/items", headers=bearer(other)).status_code == 403
        assert client.get("/items", headers=bearer(reader)).json() == {"owner": "alice"}
