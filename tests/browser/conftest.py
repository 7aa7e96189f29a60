"""Chromium, a demo that runs, and a person who looks at it.

Nothing of this outlives the tests of this folder: while Playwright runs, no other test could use
an event loop of its own.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.person import Person
from tests.support.demo_process import CHECKOUT, DemoProcess
from tests.support.missing import missing

PICTURES = CHECKOUT / "test-artefacts"

FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    # No name leads out of this machine, whatever asks for it.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="package")
def playwright() -> Generator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Generator[Browser]:
    """The browser that `CHROMIUM` names, or that is installed."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if found is None:
        missing("there is no Chromium here; install it, or name it in CHROMIUM")
    browser = playwright.chromium.launch(
        executable_path=found,
        args=FLAGS,
        # Root has no sandbox.
        chromium_sandbox=os.geteuid() != 0,
    )
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[DemoProcess]:
    """The demo; what earlier tests allowed is still allowed."""
    with started_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


def started_demo(folder: Path, *options: str, ports: tuple[int, ...] = ()) -> DemoProcess:
    """Return a demo with its data in this folder, to be entered with `with`."""
    command = [sys.executable, "-m", "demo", "--data", str(folder / "data")]
    return DemoProcess([*command, *options], folder / "logs", ports=ports)


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """The folder of the test's pictures, without those of the last run."""
    test = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name).strip("-")
    folder = PICTURES / Path(request.path).stem / test
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def arrival(chromium: Browser, pictures: Path) -> Generator[Callable[..., Person]]:
    """Make people; whatever any of them should not have seen makes the test fail at its end."""
    people: list[Person] = []

    def arrive(demo: DemoProcess, *, thorough: bool = False, **options: Any) -> Person:
        # Pictures in the middle of a change of colour would show what nobody sees.
        context = chromium.new_context(reduced_motion="reduce", **options)
        person = Person(context, demo, pictures, thorough=thorough)
        people.append(person)
        return person

    yield arrive
    for person in people:
        person.leave()
    assert [fault for person in people for fault in person.faults] == []


@pytest.fixture
def person(arrival: Callable[..., Person], demo: DemoProcess) -> Person:
    """Somebody who has never been here."""
    return arrival(demo)
