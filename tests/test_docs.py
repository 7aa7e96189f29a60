"""Everything in the README that can be run is run, and shows what the README says it shows."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.demo_process import CHECKOUT, DemoProcess
from tests.support.shell_blocks import Block, blocks
from tests.support.shell_runs import (
    clean_environment,
    copied_checkout,
    run_in_checkout,
    run_python,
    run_server,
    run_with_demo,
)

README = blocks((CHECKOUT / "README.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_checkout(tmp_path_factory.mktemp("readme"))


@pytest.fixture(scope="module")
def demo(checkout: Path) -> Iterator[DemoProcess]:
    logs = checkout.parent / "logs"
    environment = clean_environment()
    with DemoProcess(["scripts/demo"], logs, cwd=checkout, environment=environment) as running:
        yield running


def run_block(block: Block, request: pytest.FixtureRequest, folder: Path) -> None:
    if "curl " in block.text and shutil.which("curl") is None:
        pytest.skip("curl is not on this machine")
    match block.way, block.language:
        case "python", "python":
            run_python(block, folder)
        case "checkout", "sh":
            run_in_checkout(block, request.getfixturevalue("checkout"))
        case "server", "sh":
            run_server(block, request.getfixturevalue("checkout"))
        case "demo", "sh" | "console":
            checkout = request.getfixturevalue("checkout")
            running: DemoProcess = request.getfixturevalue("demo")
            run_with_demo(block, checkout, running.ports)
        case way, language:
            pytest.fail(f"line {block.line}: there is no way {way!r} to run {language!r}")


def test_the_readme_shows_every_way_to_run_something() -> None:
    assert {block.way for block in README} == {"checkout", "demo", "server", "python"}


@pytest.mark.parametrize("block", README, ids=lambda block: f"line {block.line}")
def test_a_block_of_the_readme_does_what_it_says(
    block: Block, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    run_block(block, request, tmp_path)
