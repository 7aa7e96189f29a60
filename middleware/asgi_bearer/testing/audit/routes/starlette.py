"""Yields the routes of Starlette and of FastAPI, with mounts, hosts and included routers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Any, Final

from asgi_bearer.testing.audit.routes import fastapi
from asgi_bearer.testing.audit.routes.endpoint import bodies, part_of_socket, parts
from asgi_bearer.testing.audit.routes.route import Place, Route, is_a

Walk = Callable[[object, Place], Iterator[Route]]

_PARAMETER: Final = re.compile(r"{([a-zA-Z_]\w*)(?::[a-zA-Z_]\w*)?}")
_NO_ROUTE: Final = "/<no route>"
_UNKNOWN: Final = "/assert-guarded/no-route"


def application_routes(app: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of an application, and of those that its middleware holds."""
    yield from _in_middleware(app.user_middleware, place, walk)
    yield from _fallback(app.exception_handlers.get(404), place)
    yield from router_routes(app.router, place, walk)


def router_routes(router: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of a router."""
    default: Any = router.default
    if default != router.not_found:
        yield from _fallback(default, place)
    for route in fastapi.flat(router):
        yield from _routes(route, place, walk)


def static_routes(app: object, place: Place, _walk: Walk) -> Iterator[Route]:
    """Yield one route for all files below a path."""
    if "http" in place.kinds:
        example = place.joined("/assert-guarded")
        yield Route(
            "http", f"{place.path}/*", example, ("GET", "HEAD"), app,
            host=place.host, is_open_ended=True,
        )  # fmt: skip


def _routes(route: Any, place: Place, walk: Walk) -> Iterator[Route]:
    original = fastapi.original(route)
    if is_a(original, "starlette.routing.Mount"):
        example = _example(route.path, route.param_convertors, place)
        for inner in walk(route.app, place.below(route.path, example)):
            yield replace(inner, selected=route.app) if inner.selected is None else inner
    elif is_a(original, "starlette.routing.Host"):
        example = _example(route.host, route.param_convertors, place)
        yield from walk(route.app, place.at_host(example))
    elif is_a(original, "starlette.routing.WebSocketRoute"):
        if "websocket" in place.kinds:
            yield from _websocket(route, place)
    elif is_a(original, "starlette.routing.Route"):
        if "http" in place.kinds:
            yield from _http(route, place)
    elif is_a(original, "fastapi.routing._FrontendRouteGroup"):
        for path in fastapi.frontend_paths(route):
            yield from static_routes(original, place.below(path, path), walk)
    elif "http" in place.kinds:
        # A route class of the application's own: nothing of it can be read but its path.
        path = str(getattr(route, "path", ""))
        yield Route("http", place.path + path, place.joined(path), ("GET",), route, host=place.host)


def _http(route: Any, place: Place) -> Iterator[Route]:
    example = place.joined(_example(route.path, route.param_convertors, place))
    taken = None if route.methods is None else tuple(sorted(route.methods))
    declared = fastapi.scopes(route)
    for part in parts(route.endpoint, taken):
        yield Route(
            "http", place.path + route.path, example, part.methods, route.endpoint, part.bodies,
            tuple(dict.fromkeys((*part.scopes, *declared))), place.host,
            part.protected, part.bypassed, route.endpoint,
        )  # fmt: skip


def _websocket(route: Any, place: Place) -> Iterator[Route]:
    example = place.joined(_example(route.path, route.param_convertors, place))
    part = part_of_socket(route.endpoint)
    yield Route(
        "websocket", place.path + route.path, example, (), route.endpoint, part.bodies,
        tuple(dict.fromkeys((*part.scopes, *fastapi.scopes(route)))), place.host,
        part.protected, part.bypassed, route.endpoint,
    )  # fmt: skip


def _fallback(endpoint: Any, place: Place) -> Iterator[Route]:
    if endpoint is not None and "http" in place.kinds:
        yield Route(
            "http", place.path + _NO_ROUTE, place.joined(_UNKNOWN), ("GET",), endpoint,
            bodies(endpoint), host=place.host, is_fallback=True,
        )  # fmt: skip


def _in_middleware(middleware: list[Any], place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of applications that are arguments of middleware."""
    for _, args, kwargs in middleware:
        for value in chain(args, kwargs.values()):
            for route in walk(value, place) if callable(value) else ():
                # Functions and other objects are arguments of another kind.
                if not route.is_open_ended:
                    yield route


def _example(path: str, convertors: dict[str, Any], place: Place) -> str | None:
    """Return a path that matches the template `path`, or None if no value does."""
    pieces = _PARAMETER.split(path)
    for position in range(1, len(pieces), 2):
        convertor = convertors[pieces[position]]
        value = place.value(pieces[position], re.compile(convertor.regex).fullmatch)
        if value is None:
            return None
        pieces[position] = value
    return "".join(pieces)
