"""Holes in Quart."""

import functools
from typing import Any, ClassVar

from quart import Blueprint, Quart, Response
from quart.views import MethodView, View

from asgi_bearer.quart import requires, requires_any
from tests.asgi_bearer.testing.holes.planted import Planted, guard, must_not_run


def page() -> Any:
    async def endpoint(**_arguments: Any) -> str:
        must_not_run()

    return endpoint


def sync_page() -> Any:
    def endpoint(**_arguments: Any) -> str:
        must_not_run()

    return endpoint


class Methods(MethodView):
    async def get(self) -> str:
        must_not_run()

    async def post(self) -> str:
        must_not_run()


class HalfGuarded(MethodView):
    @requires("read:x")
    async def get(self) -> str:
        must_not_run()

    async def post(self) -> str:
        must_not_run()


class Guarded(MethodView):
    decorators: ClassVar[list[Any]] = [requires("read:x")]

    async def get(self) -> str:
        must_not_run()


class Plain(View):
    async def dispatch_request(self, **_arguments: Any) -> str:
        must_not_run()


def forgiving(view: Any) -> Any:
    """A decorator that answers a refusal with data."""

    @functools.wraps(view)
    async def wrapper() -> Any:
        response = await view()
        return "data" if getattr(response, "status_code", 200) == 403 else response

    return wrapper


@requires("read:x")
async def checked() -> None:
    """Ends a request to a blueprint, unless the token has the scope."""


async def data_instead_of_403(response: Any) -> Any:
    return Response("data") if response.status_code == 403 else response


def forgiving_blueprint() -> Blueprint:
    """A blueprint that answers its refusals with data."""
    blueprint = Blueprint("forgiving_part", __name__, url_prefix="/forgiving_part")
    blueprint.before_request(checked)
    blueprint.after_request(data_instead_of_403)
    add(blueprint, "/page", page())
    return blueprint


def guarded_blueprint(*, with_sockets: bool) -> Blueprint:
    name = "guarded" if with_sockets else "half_guarded"
    blueprint = Blueprint(name, __name__, url_prefix=f"/{name}")
    blueprint.before_request(checked)
    if with_sockets:
        blueprint.before_websocket(checked)
    add(blueprint, "/closed", page())
    blueprint.add_websocket("/socket", "socket", page())
    return blueprint


def add(app: Any, path: str, endpoint: Any, **options: Any) -> None:
    app.add_url_rule(path, path.replace("/", "_").replace(".", "_"), endpoint, **options)


def optional() -> Any:
    app = Quart(__name__, static_folder=None)
    add(app, "/no-scopes", page())
    add(app, "/sync", sync_page())

    @requires("read:x")
    @app.get("/wrong-order")
    async def wrong_order() -> str:
        must_not_run()

    @requires("read:x")
    @app.websocket("/wrong-socket")
    async def wrong_socket() -> None:
        must_not_run()

    app.register_blueprint(forgiving_blueprint())
    app.register_blueprint(guarded_blueprint(with_sockets=True))
    app.register_blueprint(guarded_blueprint(with_sockets=False))
    add(app, "/forgiving", forgiving(requires("read:x")(page())))
    add(app, "/scoped-any", requires_any("read:x", "read:y")(page()))
    add(app, "/numbers/<int:number>", page())
    add(app, "/any/<any(red,blue):colour>", page())
    add(app, "/methods", Methods.as_view("methods"))
    add(app, "/limited", Methods.as_view("limited"), methods=["POST"])
    add(app, "/half", HalfGuarded.as_view("half"))
    add(app, "/plain", Plain.as_view("plain"))
    add(app, "/own-options", page(), methods=["GET", "OPTIONS"], provide_automatic_options=False)
    add(app, "/scoped", requires("read:x")(page()))
    add(app, "/scoped-sync", requires("read:x")(sync_page()))
    add(app, "/scoped/<uuid:item>", requires("read:x")(page()))
    add(app, "/scoped/<path:rest>/end", requires("read:x")(page()))
    add(app, "/scoped-post", requires("read:x")(page()), methods=["POST", "DELETE"])
    add(app, "/class", Guarded.as_view("guarded"))
    app.add_websocket("/socket", "socket", page())
    app.add_websocket("/closed-socket", "closed_socket", requires("read:x")(page()))
    return guard(app, optional=True)


OPTIONAL = Planted(
    optional(),
    {
        "GET, HEAD /no-scopes": "optional guard",
        "GET, HEAD /sync": "optional guard",
        "GET, HEAD /wrong-order": "order of decorators",
        "WEBSOCKET /wrong-socket": "order of decorators",
        "WEBSOCKET /half_guarded/socket": "before_request without before_websocket",
        "GET /forgiving_part/page": "scope is not enforced",
        "GET /forgiving": "scope is not enforced",
        "GET, HEAD /numbers/<int:number>": "optional guard",
        "GET, HEAD /any/<any(red,blue):colour>": "optional guard",
        "GET, HEAD, POST /methods": "optional guard",
        "POST /limited": "optional guard",
        "POST /half": "only some methods",
        "GET, HEAD /plain": "optional guard",
        "GET, HEAD, OPTIONS /own-options": "OPTIONS",
        "WEBSOCKET /socket": "WebSocket",
    },
    {
        *("GET /scoped", "HEAD /scoped", "GET /scoped-sync", "GET /scoped/<uuid:item>"),
        *("GET /scoped/<path:rest>/end", "POST /scoped-post", "DELETE /scoped-post"),
        *("GET /class", "GET /half", "WEBSOCKET /closed-socket", "GET /scoped-any"),
        *("GET /guarded/closed", "WEBSOCKET /guarded/socket", "GET /half_guarded/closed"),
    },
)


def behind() -> Quart:
    app = Quart(__name__)
    blueprint = Blueprint("part", __name__, url_prefix="/part")
    nested = Blueprint("nested", __name__, url_prefix="/nested")
    add(nested, "/closed", page())
    add(nested, "/public", page())
    blueprint.register_blueprint(nested)
    app.register_blueprint(blueprint)
    add(app, "/healthz", page())
    add(app, "/metrics", page(), methods=["GET", "POST"])
    add(app, "/half", page(), methods=["GET", "POST"])
    add(app, "/closed", page())
    add(app, "/closed/<float:number>", page())
    app.add_websocket("/news", "news", page())
    app.add_websocket("/closed-news", "closed_news", page())

    @app.errorhandler(404)
    async def missing(_error: Exception) -> tuple[str, int]:
        must_not_run()

    guarded: Any = guard(
        app.asgi_app,
        public={"/healthz", "/metrics", "GET /half", "/part/nested/public", "/news", "/unknown"},
    )
    vars(app)["asgi_app"] = guarded  # Quart's types of ASGI are narrower.
    return app


BEHIND = Planted(
    behind(),
    {
        "GET, HEAD, POST /metrics": "too many public paths",
        "GET, HEAD /half": "too many public paths",
        "GET, HEAD /part/nested/public": "too many public paths",
        "WEBSOCKET /news": "too many public paths",
    },
    {
        *("GET /part/nested/closed", "GET /closed", "GET /closed/<float:number>", "POST /half"),
        *("WEBSOCKET /closed-news", "GET /static/<path:filename>", "GET /<no route>"),
    },
    public=frozenset({"/healthz"}),
)


def unguarded() -> Quart:
    app = Quart(__name__)
    add(app, "/open", page())
    app.add_websocket("/open-socket", "open_socket", page())

    @app.errorhandler(404)
    async def missing(_error: Exception) -> tuple[str, int]:
        must_not_run()

    return app


class Dispatcher:
    """Sends requests to an application by the start of their path, beside a guard."""

    def __init__(self, app: Any, mounts: dict[str, Any]) -> None:
        self.app = app
        self.mounts = mounts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for path, app in self.mounts.items():
            if scope["path"].startswith(path + "/"):
                inner = {**scope, "root_path": scope["root_path"] + path}
                await app(inner, receive, send)
                return
        await self.app(scope, receive, send)


closed = Quart(__name__, static_folder=None)
add(closed, "/closed", page())

BESIDE = Planted(
    Dispatcher(guard(closed), {"/beside": unguarded(), "/guarded": guard(unguarded())}),
    {
        "GET, HEAD /beside/open": "mount beside the guard",
        "WEBSOCKET /beside/open-socket": "mount beside the guard",
        "GET, HEAD /beside/static/<path:filename>": "static files",
        "GET /beside/<no route>": "handler for unknown paths",
    },
    {
        *("GET /closed", "GET /guarded/open", "WEBSOCKET /guarded/open-socket"),
        *("GET /guarded/static/<path:filename>", "GET /guarded/<no route>"),
    },
)

PLANTED = [OPTIONAL, BEHIND, BESIDE]
