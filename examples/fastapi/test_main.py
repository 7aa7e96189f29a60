"""Tests without an identity provider: the fixture `auth_headers` comes with asgi-bearer."""

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.testclient import WebSocketDenialResponse

from asgi_bearer.testing import FakeIssuer
from examples.fastapi.main import app, verifier

Headers = Callable[..., dict[str, str]]


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    """The application trusts this issuer; the fixture `auth_headers` has its tokens."""
    with FakeIssuer.instead_of(verifier) as issuer:
        yield issuer


@pytest.fixture
def client(issuer: FakeIssuer) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


def test_a_reader_sees_her_items(client: TestClient, auth_headers: Headers) -> None:
    response = client.get("/items", headers=auth_headers(scope="read:items", sub="alice"))

    assert response.json() == {"owner": "alice"}


def test_without_a_token_there_are_no_items(client: TestClient) -> None:
    response = client.get("/items")

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_the_administrator_needs_another_scope(client: TestClient, auth_headers: Headers) -> None:
    reader, admin = auth_headers(scope="read:items"), auth_headers(scope="admin:items")

    assert client.delete("/admin/items", headers=reader).status_code == 403
    assert client.delete("/admin/items", headers=admin).status_code == 204


def test_a_visitor_may_be_anonymous(client: TestClient, auth_headers: Headers) -> None:
    assert client.get("/greeting").json() == "Hello"
    assert client.get("/greeting", headers=auth_headers(sub="bob")).json() == "Hello bob"


def test_a_websocket_needs_the_scope(client: TestClient, auth_headers: Headers) -> None:
    reader, other = auth_headers(scope="read:items"), auth_headers(scope="openid")

    with client.websocket_connect("/items/changes", headers=reader) as websocket:
        assert websocket.receive_json() == {"owner": "alice"}
    with (
        pytest.raises(WebSocketDenialResponse) as denied,
        client.websocket_connect("/items/changes", headers=other),
    ):
        pass
    assert denied.value.status_code == 403
