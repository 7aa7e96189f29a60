"""Tests without an identity provider: the fixtures come with asgi-bearer."""

from collections.abc import Callable, Iterator

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from asgi_bearer.testing import FakeIssuer
from examples.blacksheep.main import create_app

Headers = Callable[..., dict[str, str]]


@pytest.fixture
def client(issuer: FakeIssuer) -> Iterator[TestClient]:
    with TestClient(create_app(issuer.verifier())) as client:
        yield client


def test_items_need_a_token(client: TestClient) -> None:
    assert client.get("/items").status_code == 401


def test_items_need_their_scope(client: TestClient, auth_headers: Headers) -> None:
    response = client.get("/items", headers=auth_headers(scope="openid"))

    assert response.status_code == 403
    assert 'scope="read:items"' in response.headers["www-authenticate"]


def test_the_owner_sees_the_items(client: TestClient, auth_headers: Headers) -> None:
    response = client.get("/items", headers=auth_headers(scope="read:items", sub="bob"))

    assert response.json() == {"owner": "bob"}


def test_changes_need_the_scope_too(client: TestClient, auth_headers: Headers) -> None:
    with client.websocket_connect(
        "/items/changes", headers=auth_headers(scope="read:items", sub="bob")
    ) as socket:
        assert socket.receive_json() == {"owner": "bob"}

    with (
        pytest.raises(WebSocketDenialResponse) as caught,
        client.websocket_connect("/items/changes", headers=auth_headers(scope="openid")),
    ):
        pass
    assert caught.value.status_code == 403


def test_the_documentation_needs_no_token(client: TestClient) -> None:
    operation = client.get("/openapi.json").json()["paths"]["/items"]["get"]

    assert operation["security"] == [{"Bearer": ["read:items"]}]
