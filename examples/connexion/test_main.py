"""Tests the application without an identity provider: `pytest` runs them."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from asgi_bearer.testing import FakeIssuer
from examples.connexion.main import app, verifier


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer.instead_of(verifier) as issuer:
        yield issuer


@pytest.fixture
def client(issuer: FakeIssuer) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_reader_sees_the_items(client: TestClient, issuer: FakeIssuer) -> None:
    response = client.get("/items", headers=bearer(issuer.token(scope="read:items", sub="bob")))

    assert response.json() == {"owner": "bob"}


def test_without_a_token_there_are_no_items(client: TestClient) -> None:
    response = client.get("/items")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_the_items_need_the_scope(client: TestClient, issuer: FakeIssuer) -> None:
    response = client.get("/items", headers=bearer(issuer.token(scope="openid")))

    assert response.status_code == 403
    assert response.json()["error"] == "insufficient_scope"
    assert 'scope="read:items"' in response.headers["WWW-Authenticate"]


def test_the_health_is_public(client: TestClient) -> None:
    assert client.get("/healthz").status_code == 200
