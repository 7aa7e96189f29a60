"""Tests without an identity provider: `python -m django test examples.django.test_items`."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import AsyncClient, SimpleTestCase

from asgi_bearer.testing import FakeIssuer
from examples.django.asgi import app


@contextmanager
def fake_issuer() -> Generator[FakeIssuer]:
    """Within the block, the verifier of the settings trusts this issuer."""
    with FakeIssuer.instead_of(settings.ASGI_BEARER["VERIFIER"]) as issuer:
        yield issuer


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


class ItemsTest(SimpleTestCase):
    """Each way to reach the items."""

    def test_items_need_a_token(self) -> None:
        for address in ("/items", "/rest/items", "/ninja/items"):
            response = self.client.get(address)
            assert response.status_code == 401
            assert response["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_items_need_their_scope(self) -> None:
        with fake_issuer() as issuer:
            headers = bearer(issuer.token(scope="openid"))
            for address in ("/items", "/rest/items", "/ninja/items"):
                response = self.client.get(address, headers=headers)
                assert response.status_code == 403
                assert 'scope="read:items"' in response["WWW-Authenticate"]

    def test_the_owner_sees_the_items(self) -> None:
        with fake_issuer() as issuer:
            headers = bearer(issuer.token(scope="read:items", sub="bob"))
            for address in ("/items", "/reports", "/rest/items", "/ninja/items"):
                response = self.client.get(address, headers=headers)
                assert response.json() == {"owner": "bob"}

    def test_a_form_token_is_not_needed_beside_an_access_token(self) -> None:
        client = self.client_class(enforce_csrf_checks=True)
        with fake_issuer() as issuer:
            headers = bearer(issuer.token(scope="write:items"))
            assert client.delete("/items/1", headers=headers).status_code == 204
            assert client.post("/rest/items", headers=headers).status_code == 201
            assert client.post("/ninja/items", headers=headers).status_code == 200

    def test_the_admin_has_its_own_sign_in(self) -> None:
        response = self.client.get("/admin/login/")

        assert b"Username" in response.content

    async def test_async(self) -> None:
        with fake_issuer() as issuer:
            headers = bearer(issuer.token(scope="read:reports", sub="bob"))
            response = await AsyncClient().get("/reports", headers=headers)

        assert response.json() == {"owner": "bob"}

    async def test_a_websocket_needs_the_scope(self) -> None:
        with fake_issuer() as issuer:
            good, bad = issuer.token(scope="read:items", sub="bob"), issuer.token(scope="openid")
            accepted = websocket(good)
            assert (await accepted.connect())[0]
            assert await accepted.receive_json_from() == {"owner": "bob"}
            await accepted.disconnect()
            assert await websocket(bad).connect() == (False, 1008)


def websocket(token: str) -> WebsocketCommunicator:
    headers: Any = [(b"authorization", f"Bearer {token}".encode())]
    return WebsocketCommunicator(app, "/items/changes", headers=headers)
