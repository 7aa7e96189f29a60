"""Tests the application without an identity provider: `pytest` runs them."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from asgi_bearer.testing import FakeIssuer
from examples.starlette.main import app, verifier


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


@pytest.mark.parametrize(
    ("scope", "status"), [("read:items", 403), ("write:items", 204), ("admin:items", 204)]
)
def test_one_of_two_scopes_deletes_the_items(
    client: TestClient, issuer: FakeIssuer, scope: str, status: int
) -> None:
    response = client.delete("/items", headers=bearer(issuer.token(scope=scope)))

    assert response.status_code == status


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
