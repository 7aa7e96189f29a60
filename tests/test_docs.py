"""Whatever README.md and docs/ show to run is run, and shows what they say it shows.

Sybil runs the Python blocks: those of a document share their names, as a reader types them.
"""

import importlib
import logging
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from asgi_bearer.testing import ATTACKS
from tests.asgi_bearer.testing.projects import run_pytest
from tests.examples.page_runs import page_files, write_files
from tests.support.demo_process import CHECKOUT, DemoProcess
from tests.support.shell_blocks import Block, blocks
from tests.support.shell_runs import (
    clean_environment,
    copied_checkout,
    run_in_checkout,
    run_server,
    run_with_demo,
)

PROJECT = CHECKOUT / "docs" / "testing.md"
"""The Python blocks of this document are the files of one project, which pytest runs."""

FILE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

DOCUMENTS = [
    CHECKOUT / "README.md",
    *sorted((CHECKOUT / "docs").glob("*.md")),
    *sorted((CHECKOUT / "docs" / "frameworks").glob("*.md")),
]
SHELL = [
    pytest.param(block, id=f"{document.name} line {block.line}")
    for document in DOCUMENTS
    for block in blocks(document.read_text(encoding="utf-8"))
    if block.way != "page"
]
"""`tests/examples/test_pages.py` runs the blocks of the pages, each page in one go."""


IN_PROCESS = [
    path
    for path in DOCUMENTS
    if path != PROJECT and "settings.py" not in page_files(path.read_text(encoding="utf-8"))
]
"""Django is configured once in a process, so its pages run in processes of their own:
`tests/asgi_bearer/frameworks/django/test_pages.py`."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_checkout(tmp_path_factory.mktemp("documents"))


@pytest.fixture(scope="module")
def demo(checkout: Path) -> Iterator[DemoProcess]:
    logs = checkout.parent / "logs"
    environment = clean_environment()
    with DemoProcess(["scripts/demo"], logs, cwd=checkout, environment=environment) as running:
        yield running


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """Undo what a document does to logging."""
    root, ours = logging.getLogger(), logging.getLogger("asgi_bearer")
    handlers, level = root.handlers[:], ours.level
    yield
    root.handlers[:] = handlers
    ours.setLevel(level)


def test_a_document_shows_each_way_to_run_something() -> None:
    ways = {block.values[0].way for block in SHELL if isinstance(block.values[0], Block)}

    assert ways == {"checkout", "demo", "server"}


@pytest.mark.parametrize("block", SHELL)
def test_a_block_of_commands_does_what_the_document_says(
    block: Block, request: pytest.FixtureRequest
) -> None:
    if "curl " in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    checkout: Path = request.getfixturevalue("checkout")
    match block.way:
        case "checkout":
            run_in_checkout(block, checkout)
        case "server":
            run_server(block, checkout)
        case "demo":
            running: DemoProcess = request.getfixturevalue("demo")
            run_with_demo(block, checkout, running.ports)
        case way:
            pytest.fail(f"line {block.line}: there is no way {way!r}")


@pytest.mark.parametrize("document", IN_PROCESS, ids=lambda document: document.name)
@pytest.mark.usefixtures("logging_as_before")
def test_the_python_blocks_of_a_document_run(
    document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    markdown = document.read_text(encoding="utf-8")
    modules = {text: name.removesuffix(".py") for name, text in page_files(markdown).items()}
    write_files(markdown, tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    examples = Sybil([PythonCodeBlockParser()]).parse(document)
    # Litestar looks up the module of a function.
    names: dict[str, object] = {"__name__": __name__}
    examples.namespace.update(names)

    try:
        for example in examples:
            if (module := modules.get(str(example.parsed))) is not None:
                # The tests of a page import its application, which must not be made twice.
                examples.namespace.update(vars(importlib.import_module(module)))
            else:
                example.evaluate()
    finally:
        for module in modules.values():
            sys.modules.pop(module, None)


def test_the_tests_of_the_document_about_testing_pass(tmp_path: Path) -> None:
    files = dict(FILE.findall(PROJECT.read_text("utf-8")))
    tests = sum(text.count("def test_") for text in files.values())

    finished = run_pytest(tmp_path, files)

    assert finished.returncode == 0, finished.stdout
    assert f" {tests - 1 + len(ATTACKS)} passed" in finished.stdout


def test_the_readme_has_python_to_run() -> None:
    assert len(list(Sybil([PythonCodeBlockParser()]).parse(CHECKOUT / "README.md"))) == 3
