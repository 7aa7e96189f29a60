"""The pages of docs/frameworks show the files of examples/, and these start with one command."""

import os
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

import httpx
import pytest

from tests.support.asgi import bearer
from tests.support.demo_process import CHECKOUT, free_ports

FRAMEWORKS = ("blacksheep", "litestar", "quart")


@pytest.mark.parametrize("name", ["main.py", "test_main.py"])
@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_a_page_shows_the_files_of_its_example(framework: str, name: str) -> None:
    page = (CHECKOUT / "docs" / "frameworks" / f"{framework}.md").read_text(encoding="utf-8")
    source = (CHECKOUT / "examples" / framework / name).read_text(encoding="utf-8")

    # In the folder of a reader, the application has no package.
    source = source.replace(f"from examples.{framework}.main import", "from main import")
    assert f"<!-- file: {name} -->\n```python\n{source}```\n" in page


@contextmanager
def started(framework: str) -> Generator[tuple[str, str]]:
    """Start an example as its page says; yield its address and the token that it prints."""
    port = free_ports(1)[0]
    process = subprocess.Popen(
        [sys.executable, f"examples/{framework}/main.py"],
        cwd=CHECKOUT,
        env={**os.environ, "PORT": str(port)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        token = process.stdout.readline().removeprefix("export TOKEN=").strip()
        while "Uvicorn running" not in (line := process.stderr.readline()):
            assert line, "the example has ended"
        yield f"http://127.0.0.1:{port}", token
    finally:
        process.terminate()
        process.communicate(timeout=60)


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_an_example_starts_with_one_command(framework: str) -> None:
    with (
        started(framework) as (address, token),
        httpx.Client(base_url=address, trust_env=False, timeout=60) as http,
    ):
        refused = http.get("/items")
        items = http.get("/items", headers=bearer(token))
        healthz = http.get("/healthz")

    assert refused.status_code == 401
    assert refused.headers["www-authenticate"] == 'Bearer realm="api"'
    assert refused.json()["detail"] == "An access token is required."
    assert items.json() == {"owner": "alice"}
    assert healthz.status_code == 200
