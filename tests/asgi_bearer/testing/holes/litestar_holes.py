"""Holes in Litestar."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from litestar import (
    Controller,
    Litestar,
    Request,
    Router,
    WebSocket,
    asgi,
    delete,
    get,
    post,
    static_files,
    websocket,
)
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler, WebsocketListener
from litestar.middleware import DefineMiddleware
from litestar.params import FromPath, FromQuery
from litestar.response import Response
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from asgi_bearer import BearerMiddleware
from asgi_bearer.litestar import BearerPlugin, ScopesGuard, scopes
from asgi_bearer.starlette import requires
from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run, verifier


class Negligent(ScopesGuard):
    """A guard that declares scopes and checks only that there is a token."""

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler
    ) -> None:
        await scopes()(connection, handler)


def missing(_request: Any, _exc: Exception) -> Response[str]:
    must_not_run()


def page(path: str, **options: Any) -> Any:
    @get(path, **options)
    async def endpoint() -> str:
        must_not_run()

    return endpoint


def socket(path: str, **options: Any) -> Any:
    @websocket(path, **options)
    async def endpoint(socket: WebSocket[Any, Any, Any]) -> None:
        must_not_run()

    return endpoint


class Items(Controller):
    path = "/items"
    guards = (scopes("read:x"),)

    @get("/")
    async def listed(self) -> str:
        must_not_run()

    @post("/{item:int}")
    async def added(self, item: FromPath[int]) -> str:
        must_not_run()

    @delete("/{item:uuid}")
    async def removed(self, item: FromPath[UUID]) -> None:
        must_not_run()


class Forgotten(Controller):
    path = "/forgotten"

    @get("/")
    async def listed(self) -> str:
        must_not_run()

    @get("/closed", guards=[scopes("read:x")])
    async def closed(self) -> str:
        must_not_run()

    @get("/{day:date}")
    async def dated(self, day: FromPath[date]) -> str:
        must_not_run()

    @post("/", sync_to_thread=False)
    def added(self) -> str:
        must_not_run()


class Listener(WebsocketListener):
    path = "/listener"

    def on_receive(self, data: str) -> str:
        must_not_run()


@get("/wrong-order")
async def wrong_order(request: Request[Any, Any, Any]) -> str:
    must_not_run()


requires("read:x")(wrong_order.fn)


@get("/required")
@requires("read:x")
async def required(request: Request[Any, Any, Any]) -> str:
    must_not_run()


@get("/required-sync", sync_to_thread=True)
@requires("read:x")
def required_sync(request: Request[Any, Any, Any]) -> str:
    must_not_run()


@get("/sync", sync_to_thread=True)
def sync() -> str:
    must_not_run()


@get("/validated")
async def validated(number: FromQuery[int]) -> str:
    must_not_run()


@get("/validated-closed", guards=[scopes("read:x")])
async def validated_closed(number: FromQuery[int]) -> str:
    must_not_run()


OWN_OPTIONS = HTTPRouteHandler("/own-options", http_method=["GET", "OPTIONS"])


@OWN_OPTIONS
async def own_options() -> str:
    must_not_run()


GUARD: Any = BearerMiddleware  # Litestar's types of ASGI are narrower.

files: Any = getattr(static_files, "create_static_files_router")  # noqa: B009 - it is partly untyped

OPTIONAL = Planted(
    Litestar(
        [
            *(page("/no-scopes"), Items, Forgotten, Listener, wrong_order, required),
            *(required_sync, sync, validated, validated_closed, own_options),
            page("/numbers/{number:float}/{rest:path}"),
            page("/scoped", guards=[scopes("read:x")]),
            page("/negligent", guards=[Negligent(("read:x",), any_of=False)]),
            socket("/socket"),
            socket("/closed-socket", guards=[scopes("read:x")]),
            page("/any-of", guards=[scopes("read:x", "read:y", any_of=True)]),
            Router(
                "/router",
                route_handlers=[page("/closed"), socket("/closed-socket")],
                guards=[scopes("read:x")],
            ),
            Router("/open-router", route_handlers=[page("/open")]),
        ],
        plugins=[BearerPlugin(verifier(), optional=True)],
        openapi_config=None,
    ),
    {
        "GET /no-scopes": "optional guard",
        "GET /forgotten": "optional guard",
        "GET /forgotten/{day:date}": "optional guard",
        "POST /forgotten": "only some methods",
        "WEBSOCKET /listener": "WebSocket",
        "GET /wrong-order": "order of decorators",
        "GET /sync": "optional guard",
        "GET /validated": "validated before any guard",
        "GET, OPTIONS /own-options": "OPTIONS",
        "GET /numbers/{number:float}/{rest:path}": "optional guard",
        "GET /negligent": "scope is not enforced",
        "WEBSOCKET /socket": "WebSocket",
        "GET /open-router/open": "router without the guard",
    },
    {
        *("GET /items", "POST /items/{item:int}", "DELETE /items/{item:uuid}"),
        *("GET /forgotten/closed", "GET /required", "GET /required-sync", "GET /scoped"),
        *("GET /validated-closed", "WEBSOCKET /closed-socket", "GET /router/closed"),
        *("WEBSOCKET /router/closed-socket", "GET /any-of"),
    },
)


async def inner_page(request: Any) -> PlainTextResponse:
    must_not_run()


inner = Starlette(routes=[Route("/inner/", inner_page)])


@asgi("/inside", is_mount=True, copy_scope=True)
async def inside(scope: Any, receive: Any, send: Any) -> None:
    await inner(scope, receive, send)


guarded_inner = guard(inner)


@asgi("/guarded", is_mount=True, copy_scope=True)
async def inside_guarded(scope: Any, receive: Any, send: Any) -> None:
    await guarded_inner(scope, receive, send)


@asgi("/raw", copy_scope=True)
async def raw(scope: Any, receive: Any, send: Any) -> None:
    must_not_run()


SCHEMA = [
    *("/schema", "/schema/redoc", "/schema/openapi.json", "/schema/openapi.yaml"),
    *("/schema/openapi.yml", "/schema/elements", "/schema/rapidoc", "/schema/swagger"),
    *("/schema/{path:str}", "/schema/oauth2-redirect.html"),
]

UNGUARDED = Planted(
    Litestar(
        [
            *(inside, inside_guarded, raw, page("/late")),
            files("/static", [Path(__file__).parent]),
            page("/own", middleware=[DefineMiddleware(GUARD, verifier=verifier())]),
        ],
        exception_handlers={NotFoundException: missing},
    ),
    {
        "GET, HEAD /inside/inner/": "application of another framework",
        "GET, HEAD, OPTIONS, TRACE, UNKNOWN, WEBSOCKET /raw": "mount beside the guard",
        "GET /late": "no guard",
        "GET /static/{file_path:path}": "static files",
        "HEAD /static/{file_path:path}": "static files",
        **dict.fromkeys((f"GET {path}" for path in SCHEMA), "debug route"),
        "GET /<no route>": "handler for unknown paths",
    },
    {"GET /guarded/inner/", "GET /own"},
)

BEHIND = Planted(
    guard(
        Litestar([page("/healthz"), page("/closed"), page("/metrics"), socket("/news"), Items]),
        public={"/healthz", "/metrics", "/news", "/closed/"},
    ),
    {
        "GET /metrics": "too many public paths",
        "WEBSOCKET /news": "too many public paths",
        "GET /closed": "spelling of the path",
    },
    {"GET /healthz", "GET /items", "GET /schema", "GET /schema/openapi.json"},
    public=frozenset({"/healthz"}),
)


BY_PLUGIN = Planted(
    Litestar(
        [
            page("/healthz", exclude_from_auth=True),
            page("/metrics", exclude_from_auth=True),
            socket("/news", exclude_from_auth=True),
            *(inside, page("/closed"), socket("/socket"), Items),
            Router("/open", route_handlers=[page("/page")], opt={"exclude_from_auth": True}),
        ],
        plugins=[BearerPlugin(verifier())],
        exception_handlers={NotFoundException: missing},
    ),
    {
        "GET /metrics": "too many public paths",
        "WEBSOCKET /news": "too many public paths",
        "GET /open/page": "too many public paths",
        "GET /<no route>": "handler for unknown paths",
    },
    {
        *("GET /healthz", "GET /inside/inner/", "GET /closed", "WEBSOCKET /socket", "GET /items"),
        *("DELETE /items/{item:uuid}", *(f"GET {path}" for path in SCHEMA)),
    },
    public=frozenset({"/healthz"}),
)


class SomePaths:
    """A guard for some paths only, compared as they are sent."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.guarded = guard(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        needs_token = scope["path"] in ("/one", "/two", "/socket")
        await (self.guarded if needs_token else self.app)(scope, receive, send)


SPELLINGS = Planted(
    SomePaths(Litestar([page("/one"), page("/two"), socket("/socket")], openapi_config=None)),
    {
        "GET /one": "spelling of the path",
        "GET /two": "spelling of the path",
        "WEBSOCKET /socket": "spelling of the path",
    },
    set(),
)


PLANTED = [OPTIONAL, UNGUARDED, BEHIND, BY_PLUGIN, SPELLINGS]
