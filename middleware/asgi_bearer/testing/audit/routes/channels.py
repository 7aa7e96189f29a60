"""Yields the routes of Channels, which serves the WebSockets of Django."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from types import FunctionType
from typing import Any, Final

from asgi_bearer.testing.audit.routes.endpoint import part_of_socket
from asgi_bearer.testing.audit.routes.patterns import example_of, template_of
from asgi_bearer.testing.audit.routes.route import ALL_METHODS, Place, Route

_HANDLERS: Final = {"websocket": "websocket_connect", "http": "http_request"}

Walk = Callable[[object, Place], Iterator[Route]]


def protocol_routes(router: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of the applications for each protocol."""
    for kind, app in router.application_mapping.items():
        if kind in place.kinds:
            yield from walk(app, place.only(kind))


def url_routes(router: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of consumers, and of the applications that the router calls.

    Consumers and other routers get the rest of the path, applications of frameworks all of it.
    """
    start = "" if place.path.endswith("/") else "/"
    for entry in router.routes:
        example = example_of(entry.pattern, place)
        path = start + template_of(entry.pattern)
        below = place.below(path, None if example is None else start + example)
        for route in walk(entry.callback, below):
            if is_consumer(route.endpoint):
                yield route
            elif route.selected is entry.callback:
                yield replace(route, path=below.path, example=below.example)
        for route in walk(entry.callback, place):
            if not (route.selected is entry.callback or is_consumer(route.endpoint)):
                yield route


def consumer_routes(consumer: Any, place: Place, _walk: Walk) -> Iterator[Route]:
    """Yield the routes of a consumer: one for each protocol that it handles."""
    part = part_of_socket(consumer)
    for kind in place.kinds:
        if hasattr(consumer.consumer_class, _HANDLERS[kind]):
            yield Route(
                kind, place.path, place.example, ALL_METHODS if kind == "http" else (), consumer,
                part.bodies, part.scopes, place.host, part.protected, part.bypassed,
            )  # fmt: skip


def is_consumer(app: object) -> bool:
    """Return whether `as_asgi` of a consumer made this application."""
    return isinstance(app, FunctionType) and "consumer_class" in vars(app)
