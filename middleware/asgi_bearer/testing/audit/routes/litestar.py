"""Yields the routes of Litestar."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from asgi_bearer.testing.audit.routes.endpoint import bodies, part_of_socket
from asgi_bearer.testing.audit.routes.route import Place, Route, is_a

Walk = Callable[[object, Place], Iterator[Route]]

_EXAMPLES: Final = {
    "int": "1",
    "float": "1.5",
    "decimal": "1.5",
    "uuid": "00000000-0000-4000-8000-000000000001",
    "date": "2024-01-01",
    "datetime": "2024-01-01T00:00:00Z",
    "time": "12:00:00",
    "timedelta": "1",
}


def routes(app: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of an application."""
    yield from _fallback(app, place)
    for route in app.routes:
        example = place.joined(_example(route, place))
        if is_a(route, "litestar.routes.asgi.ASGIRoute"):
            path = route.path.rstrip("/")
            if route.route_handler.is_mount:
                yield from walk(route.route_handler.fn, place.below(path, path))
            else:
                for kind in place.kinds:
                    handler = route.route_handler
                    yield Route(
                        kind, place.path + route.path, example,
                        ("GET",) if kind == "http" else (), handler.fn, bodies(handler.fn),
                        host=place.host, selected=handler,
                    )  # fmt: skip
        elif is_a(route, "litestar.routes.websocket.WebSocketRoute"):
            if "websocket" in place.kinds:
                yield _route("websocket", route, route.route_handler, (), example, place)
        elif "http" in place.kinds:
            for handler in route.route_handlers:
                taken = tuple(sorted(str(method) for method in handler.http_methods))
                if handler.fn.__module__ != "litestar.routes.http":  # Its answer to OPTIONS.
                    yield _route("http", route, handler, taken, example, place)


def _route(
    kind: Any, route: Any, handler: Any, methods: tuple[str, ...], example: str | None, place: Place
) -> Route:
    part = part_of_socket(handler.fn).behind(handler.resolve_guards())
    return Route(
        kind, place.path + route.path, example, methods, handler.fn, part.bodies, part.scopes,
        place.host, part.protected, part.bypassed, handler,
    )  # fmt: skip


def _fallback(app: Any, place: Place) -> Iterator[Route]:
    for key, handler in app.exception_handlers.items():
        if "http" in place.kinds and (
            key == 404 or getattr(key, "__name__", "") == "NotFoundException"
        ):
            yield Route(
                "http", f"{place.path}/<no route>", place.joined("/assert-guarded/no-route"),
                ("GET",), handler, bodies(handler), host=place.host, is_fallback=True,
            )  # fmt: skip


def _example(route: Any, place: Place) -> str:
    pieces: list[str] = []
    for component in route.path_components:
        if isinstance(component, str):
            pieces.append(component)
        else:
            kind = component.full.partition(":")[2].strip()
            value = place.placeholders.get(component.name)
            pieces.append(value if value is not None else _EXAMPLES.get(kind, "x"))
    return "/" + "/".join(pieces)
