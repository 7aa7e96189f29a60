"""The one route of an application whose framework the audit does not know."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from asgi_bearer.testing.audit.routes.endpoint import part_of_socket
from asgi_bearer.testing.audit.routes.route import Place, Route

_EXAMPLE: Final = "/assert-guarded"


def routes(
    app: Any, place: Place, _walk: Callable[[object, Place], Iterator[Route]]
) -> Iterator[Route]:
    """Yield one route for all paths below the place."""
    part = part_of_socket(app)
    for kind in place.kinds:
        yield Route(
            kind,
            f"{place.path}/*",
            place.joined(_EXAMPLE),
            ("GET",) if kind == "http" else (),
            app,
            part.bodies,
            part.scopes,
            place.host,
            part.protected,
            selected=app,
            is_open_ended=True,
            is_unread=True,
        )


def at(route: Route, method: str, path: str) -> Route | None:
    """Return the route of one path below an unread route, or None if the path is elsewhere.

    Arguments:
        method: an HTTP method, or `WEBSOCKET`.
        path: the path, which may end with `/*`.
    """
    prefix = route.path.removesuffix("/*")
    is_websocket = method == "WEBSOCKET"
    if is_websocket != (route.kind == "websocket") or not path.startswith(f"{prefix}/"):
        return None
    below = path.removeprefix(prefix)
    if below.endswith("/*"):
        below = below.removesuffix("/*") + _EXAMPLE
    example = route.example and route.example.removesuffix(_EXAMPLE) + below
    methods = () if is_websocket else (method,)
    return replace(route, path=path, example=example, methods=methods, is_unread=False)
