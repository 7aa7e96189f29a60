"""Fixtures: oidc-provider, a browser, and our API."""

import shutil
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Literal

import httpx
import pytest
from starlette.types import ASGIApp

from resource_api.app import create_app
from resource_api.settings import Settings
from tests.interop.node import install_packages
from tests.interop.provider import AUDIENCE, Provider
from tests.support.lifespan import running
from tests.support.user_agent import UserAgent


@pytest.fixture(scope="session")
def packages() -> None:
    """The packages in `package-lock.json`."""
    install_packages()


@pytest.fixture(scope="session")
def provider(packages: None, tmp_path_factory: pytest.TempPathFactory) -> Generator[Provider]:
    """One oidc-provider for all tests; the tests do not disturb each other."""
    with Provider(tmp_path_factory.mktemp("provider") / "log") as provider:
        yield provider


@pytest.fixture
async def browser(provider: Provider) -> AsyncGenerator[UserAgent]:
    """A browser without a session at the provider."""
    async with UserAgent({provider.issuer: None}) as browser:
        yield browser


@pytest.fixture(params=["jwt", "rfc9068"])
async def api_app(
    request: pytest.FixtureRequest, provider: Provider, migrated: Path, tmp_path: Path
) -> AsyncGenerator[ASGIApp]:
    """Our API, configured with the provider's issuer identifier."""
    profile: Literal["jwt", "rfc9068"] = request.param
    shutil.copy(migrated, tmp_path / "contacts.sqlite3")
    settings = Settings(
        issuer=provider.issuer,
        audience=(AUDIENCE,),
        token_profile=profile,
        database_url=f"sqlite:///{tmp_path}/contacts.sqlite3",
    )
    app = create_app(settings)
    async with running(app):
        yield app


@pytest.fixture
async def api(api_app: ASGIApp) -> AsyncGenerator[httpx.AsyncClient]:
    """A client of our API."""
    transport = httpx.ASGITransport(api_app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://api.example") as client:
        yield client
