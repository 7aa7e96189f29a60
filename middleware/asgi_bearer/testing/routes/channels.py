"""Yields the routes of Channels, which serves the WebSockets of Django."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from asgi_bearer.testing.routes.endpoint import part_of_socket, view_class
from asgi_bearer.testing.routes.patterns import example_of, template_of
from asgi_bearer.testing.routes.route import Place, Route

Walk = Callable[[object, Place], Iterator[Route]]


def protocol_routes(router: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of the applications for each protocol."""
    for kind, app in router.application_mapping.items():
        if kind in place.kinds:
            yield from walk(app, place.only(kind))


def url_routes(router: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield the routes of consumers, and of the applications that the router calls."""
    start = "" if place.path.endswith("/") else "/"
    for entry in router.routes:
        example = example_of(entry.pattern, place)
        path = start + template_of(entry.pattern)
        below = place.below(path, None if example is None else start + example)
        found = list(walk(entry.callback, below))
        for route in found:
            # The walk does not know what a consumer is: for it, a function that serves everything.
            if route.is_open_ended and view_class(route.endpoint) is not None:
                if route.kind == "websocket":
                    yield _consumer(route, below)
            else:
                yield route


def _consumer(route: Route, below: Place) -> Route:
    part = part_of_socket(route.endpoint)
    return replace(
        route, path=below.path, example=below.example, bodies=part.bodies, scopes=part.scopes,
        protected=part.protected, bypassed=part.bypassed, is_open_ended=False,
    )  # fmt: skip
