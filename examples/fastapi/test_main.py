"""Tests the application without an identity provider: `pytest` runs them."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from asgi_bearer.testing import FakeIssuer
from examples.fastapi.main import app, verifier


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


def test_a_reader_sees_her_items(client: TestClient, issuer: FakeIssuer) -> None:
    response = client.get("/items", headers=bearer(issuer.token(scope="read:items", sub="alice")))

    assert response.json() == {"owner": "alice"}


def test_without_a_token_there_are_no_items(client: TestClient) -> None:
    response = client.get("/items")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_the_administrator_needs_another_scope(client: TestClient, issuer: FakeIssuer) -> None:
    reader, admin = issuer.token(scope="read:items"), issuer.token(scope="admin:items")

    assert client.delete("/admin/items", headers=bearer(reader)).status_code == 403
    assert client.delete("/admin/items", headers=bearer(admin)).status_code == 204


def test_a_visitor_may_be_anonymous(client: TestClient, issuer: FakeIssuer) -> None:
    assert client.get("/greeting").json() == "Hello"
    assert client.get("/greeting", headers=bearer(issuer.token(sub="bob"))).json() == "Hello bob"


def test_a_websocket_needs_the_scope(client: TestClient, issuer: FakeIssuer) -> None:
    reader, other = issuer.token(scope="read:items"), issuer.token(scope="openid")

    with client.websocket_connect("/items/changes", headers=bearer(reader)) as websocket:
        assert websocket.receive_json() == {"owner": "alice"}
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        client.websocket_connect("/items/changes", headers=bearer(other)),
    ):
        pass
    assert denied.value.status_code == 403
