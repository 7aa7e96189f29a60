"""Channels: consumers that need scopes, behind the guard, beside `AuthMiddlewareStack`."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from channels.auth import AuthMiddlewareStack
from channels.generic.http import AsyncHttpConsumer
from channels.generic.websocket import AsyncWebsocketConsumer, WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.testing import HttpCommunicator, WebsocketCommunicator
from django.core.asgi import get_asgi_application
from django.urls import path as django_path

from asgi_bearer import BearerMiddleware, principal
from asgi_bearer.django.channels import requires, requires_any
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.django.django_site import site
from tests.support.asgi import (
    bearer,
    challenge_parameters,
    client,
    handshake,
    websocket_scope,
)

issuer = FakeIssuer()

# The type of Django's function knows only views.
path: Any = django_path


class Who(AsyncWebsocketConsumer):
    async def connect(self) -> None:
        caller = principal(self.scope)
        await self.accept()
        await self.send(f"{caller and caller.subject} {self.scope.get('user')}")


@requires("read:contacts")
class Guarded(Who):
    """Says who is connected."""


class Subclass(Guarded):
    pass


@requires_any("read:contacts", "write:contacts")
class Either(Who):
    pass


@requires("read:contacts")
class Sync(WebsocketConsumer):
    def connect(self) -> None:
        self.accept()


@requires("read:contacts")
class Http(AsyncHttpConsumer):
    async def handle(self, body: bytes) -> None:
        await self.send_response(200, b"contacts")


def application(**arguments: Any) -> BearerMiddleware:
    """The asgi.py of a project."""
    consumers = URLRouter(
        [
            path("guarded", Guarded.as_asgi()),
            path("subclass", Subclass.as_asgi()),
            path("either", Either.as_asgi()),
            path("sync", Sync.as_asgi()),
            path("wrapped", requires("read:contacts")(Who.as_asgi())),
            path("router/", requires("read:contacts")(URLRouter([path("who", Who.as_asgi())]))),
            path("open", Who.as_asgi()),
        ]
    )
    http: Any = URLRouter([path("http", Http.as_asgi())])
    return BearerMiddleware(
        ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(consumers)}),
        verifier=issuer.verifier(),
        set_user=False,
        **arguments,
    )


PATHS = ["/guarded", "/subclass", "/either", "/sync", "/wrapped", "/router/who"]


@pytest.mark.parametrize("address", PATHS)
@pytest.mark.parametrize("denial", [True, False])
async def test_a_websocket_without_the_scope_is_refused(address: str, denial: bool) -> None:
    headers = bearer(issuer.token(scope="other"))

    sent = await handshake(application(), websocket_scope(address, headers, denial=denial))

    if denial:
        fields: Mapping[bytes, bytes] = dict(sent[0]["headers"])
        challenge = dict(challenge_parameters(fields[b"www-authenticate"].decode()))
        assert sent[0]["status"] == 403
        assert challenge["scope"].startswith("read:contacts")
    else:
        assert [(message["type"], message["code"]) for message in sent] == [
            ("websocket.close", 1008)
        ]


@pytest.mark.parametrize("address", PATHS)
async def test_an_anonymous_websocket_is_refused_behind_an_optional_guard(address: str) -> None:
    sent = await handshake(application(optional=True), websocket_scope(address))

    assert sent[0]["status"] == 401


@pytest.mark.parametrize("address", [*PATHS, "/open"])
async def test_a_websocket_with_the_scope_is_accepted(address: str) -> None:
    headers = bearer(issuer.token())

    sent = await handshake(application(), websocket_scope(address, headers))

    assert sent[0]["type"] == "websocket.accept"


async def test_the_consumer_has_the_principal_and_the_user_of_the_session() -> None:
    fields = [(name.encode(), value.encode()) for name, value in bearer(issuer.token()).items()]
    communicator = WebsocketCommunicator(application(), "/guarded", headers=fields)

    connected, _ = await communicator.connect()
    said = await communicator.receive_from()
    await communicator.disconnect()

    assert connected
    assert said == "alice AnonymousUser"


async def test_the_communicator_of_channels_sees_the_close_code() -> None:
    communicator = WebsocketCommunicator(application(), "/guarded")

    connected, code = await communicator.connect()

    assert (connected, code) == (False, 1008)


@pytest.mark.parametrize(("scope", "status"), [("read:contacts", 200), ("other", 403)])
async def test_an_http_consumer_answers_with_the_refusal(scope: str, status: int) -> None:
    fields = [(b"authorization", f"Bearer {issuer.token(scope=scope)}".encode())]
    communicator = HttpCommunicator(application(), "GET", "/http", headers=fields)

    response = await communicator.get_response()

    assert response.get("status") == status
    assert (b"www-authenticate" in dict(response.get("headers", ()))) == (status == 403)


async def test_the_refusal_of_head_has_no_body() -> None:
    fields = [(b"authorization", f"Bearer {issuer.token(scope='other')}".encode())]

    response = await HttpCommunicator(application(), "HEAD", "/http", headers=fields).get_response()

    assert (response.get("status"), response.get("body")) == (403, b"")


async def test_without_a_guard_the_consumer_is_closed() -> None:
    app: Any = Guarded.as_asgi()

    with pytest.raises(RuntimeError, match="behind a BearerMiddleware"):
        await handshake(app, websocket_scope("/", bearer(issuer.token())))


async def test_django_beside_the_consumers() -> None:
    with site([], {"VERIFIER": issuer.verifier()}):
        app = ProtocolTypeRouter({"http": get_asgi_application()})
        async with client(
            BearerMiddleware(app, verifier=issuer.verifier(), set_user=False)
        ) as http:
            response = await http.get("/x", headers=bearer(issuer.token()))

    assert response.status_code == 404


def test_a_consumer_keeps_its_name() -> None:
    app: Any = Guarded.as_asgi()

    assert app.__doc__ == "Says who is connected."
    assert app.consumer_class is Guarded


def test_mistakes_are_reported_where_the_consumer_is_written() -> None:
    with pytest.raises(ValueError, match="not one scope name"):
        requires("read contacts")
    with pytest.raises(ValueError, match="at least one scope"):
        requires_any()
    with pytest.raises(TypeError, match="must be a consumer"):
        requires()(cast("Any", dict))
