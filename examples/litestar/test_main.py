"""Tests without an identity provider: the fixtures come with asgi-bearer."""

from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar
from litestar.exceptions import WebSocketDisconnect
from litestar.testing import TestClient

from asgi_bearer.testing import FakeIssuer
from examples.litestar.main import create_app

Headers = Callable[..., dict[str, str]]


@pytest.fixture
def client(issuer: FakeIssuer) -> Iterator[TestClient[Litestar]]:
    with TestClient(create_app(issuer.verifier())) as client:
        yield client


def test_items_need_a_token(client: TestClient[Litestar]) -> None:
    assert client.get("/items").status_code == 401


def test_items_need_their_scope(client: TestClient[Litestar], auth_headers: Headers) -> None:
    response = client.get("/items", headers=auth_headers(scope="openid"))

    assert response.status_code == 403
    assert 'scope="read:items"' in response.headers["www-authenticate"]


def test_the_owner_sees_the_items(client: TestClient[Litestar], auth_headers: Headers) -> None:
    response = client.get("/items", headers=auth_headers(scope="read:items", sub="bob"))

    assert response.json() == {"owner": "bob"}


def test_changes_need_the_scope_too(client: TestClient[Litestar], auth_headers: Headers) -> None:
    with client.websocket_connect(
        "/items/changes", headers=auth_headers(scope="read:items", sub="bob")
    ) as socket:
        assert socket.receive_json() == {"owner": "bob"}

    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("/items/changes", headers=auth_headers(scope="openid")),
    ):
        pass


def test_the_documentation_needs_no_token(client: TestClient[Litestar]) -> None:
    operation = client.get("/schema/openapi.json").json()["paths"]["/items"]["get"]

    assert operation["security"] == [{"bearer": ["read:items"]}]
