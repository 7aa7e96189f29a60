"""The demo's issuer in-process: one key for all tests, since making one takes a while."""

from collections.abc import AsyncIterator

import httpx
import pytest

from resource_api.demo.issuer import create_issuer
from resource_api.demo.keys import SigningKey
from resource_api.demo.registrations import CONTACTS, Client

ISSUER = "http://127.0.0.1:9000/"
CLIENT = Client("demo-client", "a secret:with +%& in it")
NOW = 1_700_000_000


@pytest.fixture(scope="session")
def key() -> SigningKey:
    return SigningKey.generated()


@pytest.fixture
async def issuer(key: SigningKey) -> AsyncIterator[httpx.AsyncClient]:
    """A client whose base address is the issuer's identifier; the issuer's clock stands still."""
    app = create_issuer(issuer=ISSUER, key=key, client=CLIENT, api=CONTACTS, clock=lambda: NOW)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client
