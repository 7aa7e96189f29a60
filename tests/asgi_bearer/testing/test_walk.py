"""Applications are found behind middleware of every form."""

import functools
import time
from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router, WebSocketRoute

from asgi_bearer.testing.audit import audited
from asgi_bearer.testing.audit.routes.route import Place
from asgi_bearer.testing.audit.routes.walk import all_routes


async def page(request: Request) -> Response:
    return PlainTextResponse("data")


inner = Starlette(routes=[Route("/open", page)])


class Holder:
    """Middleware that holds the application in an attribute."""

    def __init__(self, app: Any) -> None:
        self.held = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.held(scope, receive, send)

    async def method(self, scope: Any, receive: Any, send: Any) -> None:
        await self.held(scope, receive, send)


class Slotted:
    """Middleware with slots, of which one is not set and one fails."""

    __slots__ = ("app", "missing")

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)


async def with_argument(app: Any, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


async def with_global(scope: Any, receive: Any, send: Any) -> None:
    await inner(scope, receive, send)


def closure(*, is_set: bool = False) -> Any:
    app = inner

    async def wrapped(scope: Any, receive: Any, send: Any) -> None:
        await (later if scope["type"] == "unknown" else app)(scope, receive, send)

    if is_set:
        later = app
    return wrapped


@pytest.mark.parametrize(
    "app",
    [
        pytest.param(Holder(inner), id="attribute"),
        pytest.param(Holder([("/ignored", 1), ("x", inner)]), id="pairs"),
        pytest.param(Holder([(inner, "x"), (1, 2, 3)]), id="tuples"),
        pytest.param(Slotted(inner), id="slots"),
        pytest.param(Holder(inner).method, id="method"),
        pytest.param(functools.partial(with_argument, inner), id="partial"),
        pytest.param(with_global, id="global name"),
        pytest.param(closure(), id="closure"),
        pytest.param(Holder(Holder(Slotted(inner))), id="three layers"),
    ],
)
def test_an_application_is_found_inside(app: Callable[..., Any]) -> None:
    assert [route.path for route in all_routes(app, Place({}))] == ["/open"]


def test_a_mapping_of_paths_is_a_mapping_of_mounts() -> None:
    routes = all_routes(Holder({"/part/": inner, "name": 1}), Place({}))

    assert [(route.path, route.example) for route in routes] == [("/part/open", "/part/open")]


def test_middleware_that_holds_itself_does_not_end_the_walk() -> None:
    holder = Holder(None)
    holder.held = holder

    assert [route.path for route in all_routes(holder, Place({}))] == ["/*", "/*"]


def test_a_route_class_of_the_application_is_one_route_and_open() -> None:
    class OwnRoute(Route):
        pass

    class Custom(BaseRoute):
        path = "/custom"

        def matches(self, scope: Any) -> Any:
            return Route(self.path, page).matches(scope)

        async def handle(self, scope: Any, receive: Any, send: Any) -> None:
            await PlainTextResponse("data")(scope, receive, send)

    report = audited(Router([Custom(), OwnRoute("/own", page)]))

    assert {(hole.methods, hole.path) for hole in report.holes} == {
        (("GET", "HEAD"), "/own"),
        (("GET",), "/custom"),
    }


def test_a_default_application_of_a_router_is_its_handler_for_unknown_paths() -> None:
    async def default(scope: Any, receive: Any, send: Any) -> None:
        await PlainTextResponse("data")(scope, receive, send)

    report = audited(Router([], default=default))

    assert [hole.path for hole in report.holes] == ["/<no route>"]


def test_an_application_in_an_argument_of_middleware_is_found() -> None:
    from starlette.middleware import Middleware

    class Second:
        def __init__(self, app: Any, other: Any) -> None:
            self.app, self.other = app, other

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            chosen = self.other if scope["path"] == "/open" else self.app
            await chosen(scope, receive, send)

    app = Starlette(middleware=[Middleware(Second, other=inner), Middleware(Holder)])

    assert [hole.path for hole in audited(app).holes] == ["/open"]


def test_a_function_in_an_argument_of_middleware_is_no_application() -> None:
    from starlette.middleware import Middleware
    from starlette.middleware.gzip import GZipMiddleware

    class Timed(GZipMiddleware):
        def __init__(self, app: Any, now: Callable[[], float]) -> None:
            super().__init__(app)

    app = Starlette(
        routes=[Route("/open", page)], middleware=[Middleware(Timed, now=time.monotonic)]
    )

    assert [hole.path for hole in audited(app).holes] == ["/open"]


def test_an_application_without_routes_cannot_be_audited() -> None:
    with pytest.raises(ValueError, match="app has no routes to audit"):
        audited(Starlette())


def test_a_websocket_that_the_endpoint_closes_is_refused_only_by_a_guard() -> None:
    class Closing:
        def __init__(self, code: int) -> None:
            self.code = code

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "websocket.close", "code": self.code})

    report = audited(Starlette(routes=[WebSocketRoute("/closed", Closing(1011))]))

    assert [hole.why for hole in report.holes] == [
        "closed the WebSocket with 1011 without a token, and it was no guard that answered"
    ]
