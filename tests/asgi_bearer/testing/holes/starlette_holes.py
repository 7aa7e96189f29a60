"""Holes in Starlette."""

import functools
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from asgi_bearer import BearerMiddleware
from asgi_bearer.starlette import Refused, refused_response, requires, requires_any
from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run, verifier

HANDLERS: dict[Any, Any] = {Refused: refused_response}


def page(number: int = 0) -> Any:
    """Return a new endpoint."""

    async def endpoint(request: Request) -> Response:
        must_not_run()

    endpoint.__name__ = f"page_{number}"
    return endpoint


async def missing(request: Request, exc: Exception) -> Response:
    return PlainTextResponse("There is nothing here.", 404)


def sync_page() -> Any:
    def endpoint(request: Request) -> Response:
        must_not_run()

    return endpoint


def socket() -> Any:
    async def endpoint(websocket: WebSocket) -> None:
        must_not_run()

    return endpoint


def scoped(endpoint: Any = None) -> Any:
    return requires("read:x")(endpoint or page())


def bypassed(endpoint: Any) -> Any:
    """Decorate a function and return the undecorated one, as `@requires` above a route does."""
    requires("read:x")(endpoint)
    return endpoint


@requires("read:x")
class Guarded(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        must_not_run()

    async def post(self, request: Request) -> Response:
        must_not_run()


class Overridden(Guarded):
    async def dispatch(self) -> None:
        await PlainTextResponse("data")(self.scope, self.receive, self.send)


class Extended(Guarded):
    async def dispatch(self) -> None:
        await super().dispatch()


class ByMethod(HTTPEndpoint):
    @requires("read:x")
    async def get(self, request: Request) -> Response:
        must_not_run()

    async def put(self, request: Request) -> Response:
        must_not_run()

    async def options(self, request: Request) -> Response:
        must_not_run()


class Socket(WebSocketEndpoint):
    async def on_connect(self, websocket: WebSocket) -> None:
        must_not_run()


@requires("read:x")
class GuardedSocket(WebSocketEndpoint):
    async def on_connect(self, websocket: WebSocket) -> None:
        must_not_run()


async def answering(scope: Any, receive: Any, send: Any) -> None:
    """An application without a framework."""
    must_not_run()


def checking_decorator(endpoint: Any) -> Any:
    """A decorator without functools.wraps, which checks before it calls."""
    checked = requires("read:x")(endpoint)

    async def wrapper(request: Request) -> Any:
        return await checked(request)

    return wrapper


def forgetful_decorator(endpoint: Any) -> Any:
    """A decorator with functools.wraps, around a protected function."""

    @functools.wraps(endpoint)
    async def wrapper(request: Request) -> Any:
        return await endpoint(request)

    return wrapper


OPTIONAL = Planted(
    Starlette(
        routes=[
            Route("/no-scopes", page()),
            Route("/sync", sync_page()),
            Route("/wrong-order", bypassed(page())),
            Route("/overridden", Overridden),
            Route("/by-method", ByMethod),
            WebSocketRoute("/socket", socket()),
            WebSocketRoute("/socket-class", Socket),
            Route("/any-method", page(), methods=["POST", "TRACE"]),
            Route("/{rest:path}/tail", page()),
            Route("/scoped", scoped()),
            Route("/scoped-sync", scoped(sync_page())),
            Route("/any-of", requires_any("a", "b")(page())),
            Route("/token-only", requires()(page())),
            Route("/class", Guarded),
            Route("/extended", Extended),
            Route("/checking", checking_decorator(page())),
            Route("/wrapped", forgetful_decorator(scoped())),
            Route("/items/{item:int}", scoped()),
            Route("/uuids/{item:uuid}/x", scoped()),
            WebSocketRoute("/scoped-socket", requires("read:x")(socket())),
            WebSocketRoute("/class-socket", requires("read:x")(socket())),
        ],
        middleware=[Middleware(BearerMiddleware, verifier=verifier(), optional=True)],
        exception_handlers=HANDLERS,
    ),
    {
        "GET, HEAD /no-scopes": "optional guard",
        "GET, HEAD /sync": "optional guard",
        "GET, HEAD /wrong-order": "order of decorators",
        "GET, HEAD, POST /overridden": "overridden dispatch",
        "OPTIONS, PUT /by-method": "only some methods",
        "WEBSOCKET /socket": "WebSocket",
        "WEBSOCKET /socket-class": "WebSocket",
        "POST, TRACE /any-method": "unusual method",
        "GET, HEAD /{rest:path}/tail": "catch-all",
    },
    {
        *("GET /scoped", "GET /scoped-sync", "GET /any-of", "GET /token-only", "GET /class"),
        *("POST /class", "GET /extended", "GET /checking", "GET /wrapped", "HEAD /scoped"),
        *("GET /items/{item:int}", "GET /uuids/{item:uuid}/x", "WEBSOCKET /scoped-socket"),
        *("WEBSOCKET /class-socket", "GET /by-method"),
    },
)

BEHIND = Planted(
    Starlette(
        routes=[
            Route("/healthz", page()),
            Route("/metrics", page()),
            Route("/wrong-order", bypassed(page())),
            Route("/answers-options", page(), methods=["OPTIONS", "GET"]),
            Route("/any", answering),
            WebSocketRoute("/public-socket", socket()),
            Route("/closed", page()),
            Route("/closed-post", page(), methods=["POST"]),
            Mount("/nested", routes=[Mount("/deep", routes=[Route("/closed", page())])]),
            Mount("/files", StaticFiles(directory=Path(__file__).parent)),
            Mount("/plain", answering),
            Host("admin.example", Router([Route("/closed", page())])),
            WebSocketRoute("/closed-socket", socket()),
        ],
        middleware=[
            Middleware(CORSMiddleware, allow_origins=["*"]),
            Middleware(
                BearerMiddleware,
                verifier=verifier(),
                public={"/healthz", "/metrics", "/public-socket", "/forgotten", "/plain/open"},
            ),
        ],
        exception_handlers={404: missing},
    ),
    {
        "GET, HEAD /metrics": "too many public paths",
        "GET /wrong-order": "order of decorators",
        "WEBSOCKET /public-socket": "too many public paths",
        "GET, WEBSOCKET /plain/open": "too many public paths",
        " /gone": "public path without a route",
    },
    {
        *("GET /closed", "HEAD /closed", "POST /closed-post", "GET /nested/deep/closed"),
        *("GET /files/*", "GET /plain/*", "WEBSOCKET /plain/*", "WEBSOCKET /closed-socket"),
        *("GET /answers-options", "OPTIONS /answers-options", "GET /any"),
        *("GET /<no route>",),
    },
    public=frozenset({"/healthz", "/gone"}),
)

PREFLIGHT = Planted(
    guard(
        Starlette(
            routes=[
                Route("/answers-options", page(), methods=["OPTIONS", "GET"]),
                Route("/class", ByMethod),
                Route("/closed", page()),
            ]
        ),
        preflight=True,
    ),
    {"OPTIONS /answers-options": "preflight", "OPTIONS /class": "preflight"},
    {"GET /answers-options", "GET /class", "PUT /class", "GET /closed"},
)

guarded_part = guard(Starlette(routes=[Route("/closed", page())]))
beside = Starlette(routes=[Route("/open", page()), WebSocketRoute("/open-socket", socket())])


class ByPrefix:
    """A guard for some paths only, compared as they are sent."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.guarded = guard(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        needs_token = scope["path"].startswith(("/api/", "/api-socket"))
        await (self.guarded if needs_token else self.app)(scope, receive, send)


class Negligent:
    """A guard for some methods and protocols only."""

    def __init__(self, app: Any) -> None:
        self._wrapped = app
        self._guard = guard(app)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["method"] in ("GET", "POST"):
            await self._guard(scope, receive, send)
        else:
            await self._wrapped(scope, receive, send)


BESIDE = Planted(
    Starlette(
        routes=[
            Mount("/guarded", guarded_part),
            Mount("/beside/{tenant:int}", Router([Route("/open", page())])),
            Mount("/beside", beside),
            Mount("/static", StaticFiles(directory=Path(__file__).parent)),
            Mount("/static-guarded", guard(StaticFiles(directory=Path(__file__).parent))),
            Mount("/raw", answering),
            Mount("/raw-guarded", guard(answering)),
            Host("api.example", guard(Starlette(routes=[Route("/hosted", page())]))),
            Host("{name}.internal.example", Router([Route("/hosted-open", page())])),
            Route("/late", page()),
            Route(
                "/per-route", page(), middleware=[Middleware(BearerMiddleware, verifier=verifier())]
            ),
            WebSocketRoute(
                "/per-socket",
                socket(),
                middleware=[Middleware(BearerMiddleware, verifier=verifier())],
            ),
        ],
        exception_handlers={404: missing},
    ),
    {
        "GET, HEAD /beside/open": "mount beside the guard",
        "WEBSOCKET /beside/open-socket": "mount beside the guard",
        "GET, HEAD /beside/{tenant:int}/open": "mount beside the guard",
        "GET, HEAD /static/*": "static files",
        "GET, WEBSOCKET /raw/*": "mount beside the guard",
        "GET, HEAD /hosted-open": "host",
        "GET, HEAD /late": "no guard",
        "GET /<no route>": "handler for unknown paths",
    },
    {
        *("GET /guarded/closed", "GET /static-guarded/*", "GET /raw-guarded/*"),
        *("WEBSOCKET /raw-guarded/*", "GET /hosted", "GET /per-route", "WEBSOCKET /per-socket"),
    },
)

SPELLINGS = Planted(
    ByPrefix(
        Starlette(
            routes=[
                Route("/api/closed", page()),
                Route("/{version}/closed", page()),
                Route("/api/twice", page()),
                Route("/{first}/{second}", page()),
                WebSocketRoute("/api-socket/closed", socket()),
                Route("/API/TWICE", page()),
            ]
        )
    ),
    {
        "GET, HEAD /{version}/closed": "parameter instead of the guarded prefix",
        "GET, HEAD /{first}/{second}": "catch-all",
    },
    {"GET /api/closed", "GET /api/twice", "WEBSOCKET /api-socket/closed"},
)

METHODS = Planted(
    Negligent(
        Starlette(
            routes=[
                Route("/items", page(), methods=["GET", "POST", "DELETE"]),
                Route("/class", Guarded),
                WebSocketRoute("/socket", socket()),
                Route("/posted", page(), methods=["POST"]),
            ]
        )
    ),
    {
        "DELETE, HEAD /items": "HEAD",
        "WEBSOCKET /socket": "WebSocket",
    },
    {"GET /items", "POST /items", "POST /posted", "GET /class", "POST /class"},
)

PLANTED = [OPTIONAL, BEHIND, PREFLIGHT, BESIDE, SPELLINGS, METHODS]
