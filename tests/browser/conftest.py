"""Fixtures: Chromium, a running demo, and a person at the browser.

They end with the tests of this folder: while Playwright runs, other tests cannot start an event
loop.
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
    # No host name resolves to another machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


@pytest.fixture(scope="package")
def playwright() -> Generator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="package")
def chromium(playwright: Playwright) -> Generator[Browser]:
    """The browser in `CHROMIUM`, or the installed one."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if found is None:
        missing("there is no Chromium here; install it, or name it in CHROMIUM")
    browser = playwright.chromium.launch(
        executable_path=found,
        args=FLAGS,
        # The sandbox does not work for root.
        chromium_sandbox=os.geteuid() != 0,
    )
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Generator[DemoProcess]:
    """The demo, shared by all tests: consent from earlier tests stays."""
    with started_demo(tmp_path_factory.mktemp("demo")) as demo:
        yield demo


def started_demo(folder: Path, *options: str, ports: tuple[int, ...] = ()) -> DemoProcess:
    """Return a demo with its data in this folder; it starts in a `with` statement."""
    command = [sys.executable, "-m", "demo", "--data", str(folder / "data")]
    return DemoProcess([*command, *options], folder / "logs", ports=ports)


@pytest.fixture
def pictures(request: pytest.FixtureRequest) -> Path:
    """The empty folder for the test's screenshots."""
    test = re.sub(r"[^A-Za-z0-9_.-]+", "-", request.node.name).strip("-")
    folder = PICTURES / Path(request.path).stem / test
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def arrival(chromium: Browser, pictures: Path) -> Generator[Callable[..., Person]]:
    """Create people; the test fails at its end if one of them noticed a fault."""
    people: list[Person] = []

    def arrive(demo: DemoProcess, *, thorough: bool = False, **options: Any) -> Person:
        # A screenshot must not show a colour transition half-way.
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
    """A person on their first visit."""
    return arrival(demo)
