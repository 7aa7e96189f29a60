"""Routes are read for the protocols that reach them, and their parameters get values that match."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import URLRouter
from django import urls
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler
from django.core.asgi import get_asgi_application
from django.test import override_settings
from django.urls import converters
from litestar import Litestar, WebSocket, get, websocket
from litestar.exceptions import NotFoundException
from litestar.response import Response as LitestarResponse
from quart import Quart
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from werkzeug.routing import BaseConverter, Map

from asgi_bearer.testing.audit import audited
from asgi_bearer.testing.audit.routes.route import Kind, Place
from asgi_bearer.testing.audit.routes.walk import all_routes
from tests.asgi_bearer.frameworks.django.django_site import site

# Their types know only views of Django, and only its own routes.
path: Any = urls.path
re_path: Any = urls.re_path
router: Any = URLRouter
django_converters: Any = converters


async def page(request: Request) -> Response:
    return PlainTextResponse("data")


async def missing(request: Request, exc: Exception) -> Response:
    return PlainTextResponse("There is nothing here.", 404)


async def socket(websocket: Any) -> None:
    await websocket.accept()


class Custom(BaseRoute):
    path = "/custom"


def starlette() -> Any:
    return Starlette(
        routes=[
            Route("/page", page),
            WebSocketRoute("/socket", socket),
            Mount("/static", StaticFiles(directory=".")),
            Custom(),
        ],
        exception_handlers={404: missing},
    )


def litestar_missing(_request: Any, _exc: Exception) -> LitestarResponse[str]:
    return LitestarResponse("There is nothing here.", status_code=404)


def litestar() -> Any:
    @get("/page")
    async def litestar_page() -> str:
        return "data"

    @websocket("/socket")
    async def litestar_socket(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()

    return Litestar(
        [litestar_page, litestar_socket],
        openapi_config=None,
        exception_handlers={NotFoundException: litestar_missing},
    )


def quart() -> Any:
    app = Quart(__name__, static_folder=None)

    async def view() -> str:
        return "data"

    app.add_url_rule("/page", "page", view)
    app.add_websocket("/socket", "socket", view)
    app.register_error_handler(404, lambda _error: ("There is nothing here.", 404))
    return app


class Consumer(AsyncWebsocketConsumer):
    """Accepts each WebSocket."""


def channels() -> Any:
    with override_settings(STATIC_URL="/static/", MIDDLEWARE=[]):
        django = ASGIStaticFilesHandler(get_asgi_application())
    return router([path("socket", Consumer.as_asgi()), path("page", django)])


@contextmanager
def one_page() -> Generator[None]:
    with site([path("page", page)], None, middleware=()):
        yield


@pytest.mark.parametrize("made", [starlette, litestar, quart, channels])
def test_where_only_one_protocol_arrives_only_its_routes_are_read(made: Any) -> None:
    def paths(kind: Kind) -> set[str]:
        routes = all_routes(made(), Place({}, kinds=(kind,)))
        assert {route.kind for route in routes} == {kind}
        return {route.path for route in routes}

    with one_page():
        assert "/page" in paths("http")
        assert "/socket" not in paths("http")
        assert paths("websocket") == {"/socket"}


class Sku(converters.StringConverter):
    regex = "SKU-[0-9]{6}"


class WerkzeugSku(BaseConverter):
    regex = "SKU-[0-9]{6}"


@pytest.fixture
def sku() -> Iterator[None]:
    converters.register_converter(Sku, "sku")
    yield
    del django_converters.REGISTERED_CONVERTERS["sku"]
    django_converters.get_converters.cache_clear()


@pytest.mark.usefixtures("sku")
@pytest.mark.parametrize(
    ("function", "pattern"),
    [(path, "items/<sku:item>"), (re_path, r"^items/(?P<item>SKU-[0-9]{6})$")],
    ids=["path", "re_path"],
)
def test_a_parameter_of_django_without_a_known_value_needs_a_placeholder(
    function: Any, pattern: str
) -> None:
    with site([function(pattern, page)], None, middleware=()):
        app = get_asgi_application()
        assert [hole.change for hole in audited(app).holes] == [
            "pass one in `placeholders` of assert_guarded"
        ]
        report = audited(app, placeholders={"item": "SKU-000001"})

    assert "reached the endpoint" in report.holes[0].why


def test_a_parameter_of_channels_without_a_known_value_needs_a_placeholder() -> None:
    app = router([re_path("^(?P<item>SKU-[0-9]{6})$", Consumer.as_asgi())])

    assert "no value" in audited(app).holes[0].why
    assert "reached" in audited(app, placeholders={"item": "SKU-000001"}).holes[0].why


def test_a_parameter_of_quart_without_a_known_value_needs_a_placeholder() -> None:
    app = Quart(__name__, static_folder=None)
    rules: Map = app.url_map
    rules.converters["sku"] = WerkzeugSku

    async def view(item: str) -> str:
        return "data"

    app.add_url_rule("/items/<sku:item>", "items", view)

    assert "no value" in audited(app).holes[0].why
    assert "reached" in audited(app, placeholders={"item": "SKU-000001"}).holes[0].why


def test_a_word_that_a_pattern_names_is_a_value() -> None:
    with site([re_path("^(?P<app>blog|shop)/$", page)], None, middleware=()):
        report = audited(get_asgi_application())

    assert "reached the endpoint" in report.holes[0].why
