"""Settings of all tests: which tests are long, and which of them run in one process."""

import asyncio
import logging
from collections.abc import Generator, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from resource_api.database.connect import connect
from resource_api.database.schema import prepare
from tests.support.published_keys import Published

# A busy machine must not make a property test fail.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

pytest_plugins = ["asgi_bearer.testing.plugin"]

TESTS = Path(__file__).parent

LONG = {
    "browser": "the demo in a browser",
    "interop": "other OpenID software",
    "demo/test_demo.py": "the demo as a process",
    "resource_api/test_process.py": "the API as a process",
    "test_docs.py": "the commands of README.md and docs",
    "examples": "the examples and the pages of frameworks",
    "benchmarks/test_chart.py": "plots",
}
"""Folders and modules that only run with `--all`, or where they are named; what each is about.

The longest first: each is one group, and groups start in this order."""

NOT_TRACED = (
    "agreement/test_agrees_with_pyjwt.py",
    "asgi_bearer/jwt/test_token_properties.py",
    "asgi_bearer/jose/test_base64url.py",
    "asgi_bearer/keys/remote/test_history.py",
    "asgi_bearer/keys/remote/test_freshness.py",
)
"""Modules of very many examples, which tracing makes twice as slow. Each line that they reach is
reached by another test as well."""


def pytest_addoption(parser: pytest.Parser) -> None:
    names = ", ".join(LONG.values())
    parser.addoption("--all", action="store_true", help=f"Run the long tests, too: {names}.")


def pytest_configure(config: pytest.Config) -> None:
    # Each xdist worker takes over the options of the process that starts it.
    if not hasattr(config, "workerinput"):
        config.option.all |= config.args_source is pytest.Config.ArgsSource.ARGS


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the long tests; None leaves the decision to other plugins."""
    is_long = _within(LONG, collection_path) is not None
    return True if is_long and not config.option.all else None


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Run tests that share slow fixtures in one process, the longest groups first.

    A test outside the long folders is grouped by its module (`--dist loadgroup`).
    """
    for item in items:
        group = _within(LONG, item.path) or item.path.relative_to(TESTS).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
        if _within(NOT_TRACED, item.path):
            item.add_marker(pytest.mark.no_cover)
    yield
    first = [*LONG, *NOT_TRACED]
    ranks = {name: rank for rank, name in enumerate(first)}
    items.sort(key=lambda item: ranks.get(_within(first, item.path) or "", len(first)))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Begin each test with the logging of a new process; a Litestar application sets up its own."""
    root = logging.getLogger()
    root.handlers[:] = [it for it in root.handlers if type(it).__module__.startswith("_pytest.")]
    root.setLevel(logging.WARNING)
    return (yield)


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not terminalreporter.config.option.all:
        names = ", ".join(LONG.values())
        terminalreporter.write_line(f"Left out: {names}. To run these, too: scripts/test --all")


def _within(names: Iterable[str], path: Path) -> str | None:
    """Return the folder or module among `names` that contains a test of this path."""
    relative = path.relative_to(TESTS) if path.is_relative_to(TESTS) else Path()
    return next((name for name in names if relative.is_relative_to(name)), None)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with the schema; made once, because migrations are slow."""
    file = tmp_path_factory.mktemp("database") / "contacts.sqlite3"

    async def make() -> None:
        engine = connect(f"sqlite:///{file}")
        await prepare(engine)
        await engine.dispose()

    asyncio.run(make())
    return file


@pytest.fixture
def published() -> Published:
    """An issuer, its published keys, and a verifier that has fetched none yet."""
    return Published()
