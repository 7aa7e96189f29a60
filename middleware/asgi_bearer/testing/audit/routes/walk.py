"""Finds the applications of frameworks in an ASGI application, and yields their routes.

Middleware is looked through: an object's attributes, a function's closure and the global names that
it uses may hold an application of a framework.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import FunctionType, MethodType
from typing import Any, Final, cast

from asgi_bearer.guard.declared import declared_scopes
from asgi_bearer.testing.audit.routes import channels, django, litestar, quart, starlette, unread
from asgi_bearer.testing.audit.routes.route import Place, Route, is_a

Walk = Callable[[object, Place], Iterator[Route]]

_READERS: Final[Mapping[str, Callable[[Any, Place, Walk], Iterator[Route]]]] = {
    "starlette.applications.Starlette": starlette.application_routes,
    "starlette.routing.Router": starlette.router_routes,
    "starlette.staticfiles.StaticFiles": starlette.static_routes,
    "litestar.app.Litestar": litestar.routes,
    "quart.app.Quart": quart.routes,
    "django.contrib.staticfiles.handlers.ASGIStaticFilesHandler": django.static_routes,
    "django.core.handlers.asgi.ASGIHandler": django.routes,
    "channels.routing.ProtocolTypeRouter": channels.protocol_routes,
    "channels.routing.URLRouter": channels.url_routes,
    # It holds a router of Starlette, but without the operations of its OpenAPI documents.
    "connexion.apps.abstract.AbstractApp": unread.routes,
}

_ASGI_ARGUMENTS: Final = 3

_MOST_LAYERS: Final = 30
"""How many objects deep applications are looked for."""


def all_routes(app: object, place: Place) -> list[Route]:
    """Return the routes of an application, each once."""
    found: dict[object, Route] = {}
    for route in routes(app, place):
        code = route.bodies or id(route.endpoint)
        found.setdefault((route.kind, route.path, route.host, route.methods, code), route)
    return list(found.values())


def routes(app: object, place: Place) -> Iterator[Route]:
    """Yield the routes of an application and of all applications inside it.

    An application of no known framework is one route, which serves all paths below the place.
    """
    found = list(_applications(app))
    for reader, inner, prefix, checked in found:
        for route in reader(inner, place.below(prefix, prefix), routes):
            yield route if checked is None else _behind(route, checked)
    if not found:
        yield from unread.routes(app, place, routes)


def _behind(route: Route, checked: tuple[str, ...]) -> Route:
    scopes = tuple(dict.fromkeys((*checked, *route.scopes)))
    return replace(route, scopes=scopes, protected=True)


def _applications(app: object) -> Iterator[tuple[Any, object, str, tuple[str, ...] | None]]:
    """Yield applications, each with its reader, its path, and the scopes that stand around it."""
    seen: set[int] = set()
    pending: list[tuple[object, str, int, tuple[str, ...] | None]] = [(app, "", 0, None)]
    while pending:
        current, prefix, depth, around = pending.pop(0)
        if id(current) in seen or depth > _MOST_LAYERS:
            continue
        seen.add(id(current))
        reader = _reader(current)
        if reader is not None:
            yield reader, current, prefix, around
        else:
            own = declared_scopes(current) if isinstance(current, FunctionType) else None
            # A decorator adds the scopes of the one inside it to its own.
            checked = own if around is None else around
            pending += [
                (inner, prefix + below, depth + 1, checked) for inner, below in _held(current)
            ]


def _reader(app: object) -> Callable[[Any, Place, Walk], Iterator[Route]] | None:
    if channels.is_consumer(app):
        return channels.consumer_routes
    return next((reader for name, reader in _READERS.items() if is_a(app, name)), None)


def _held(value: Any) -> Iterator[tuple[object, str]]:
    """Yield what may be an application inside `value`, each with its path there."""
    if isinstance(value, functools.partial):
        for inner in (value.func, *value.args, *value.keywords.values()):
            yield inner, ""
    elif isinstance(value, MethodType):
        yield value.__self__, ""
    elif isinstance(value, FunctionType):
        for inner in _referred(value):
            yield inner, ""
    elif isinstance(value, Mapping):
        yield from map(_mounted, cast("Mapping[object, object]", value).items())
    elif isinstance(value, list | tuple):
        for entry in cast("list[object]", value):
            yield _mounted(entry)
    elif not isinstance(value, type) and callable(value):
        for inner in _attributes(value):
            yield inner, ""


def _mounted(entry: object) -> tuple[object, str]:
    """Return an application and its path, if the entry is such a pair."""
    if not isinstance(entry, tuple):
        return entry, ""
    pair = cast("tuple[object, ...]", entry)
    if len(pair) == 2 and isinstance(path := pair[0], str):
        return pair[1], path.rstrip("/") if path[:1] == "/" else ""
    return pair, ""


def _referred(function: FunctionType) -> Iterator[object]:
    """Yield what a function refers to: its closure, and global names that may be applications."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # The variable is not set yet.
            continue
    for name in function.__code__.co_names:
        value = function.__globals__.get(name)
        if not isinstance(value, FunctionType) or value.__code__.co_argcount == _ASGI_ARGUMENTS:
            yield value


def _attributes(value: object) -> Iterator[object]:
    slots = (name for base in type(value).__mro__ for name in vars(base).get("__slots__", ()))
    for name in (*slots, *getattr(value, "__dict__", ())):
        try:
            yield getattr(value, name)
        except Exception:  # noqa: S112 - an attribute may be a property or a proxy that fails
            continue
