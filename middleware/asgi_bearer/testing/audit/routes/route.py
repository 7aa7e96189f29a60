"""A route of an application, and the place in the application where routes are looked for."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Final, Literal

Kind = Literal["http", "websocket"]

ALL_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
"""Tried where a route does not say which methods it takes. OPTIONS and TRACE are always tried."""

VALUES: Final = (
    *("1", "x", "11", "1.5", "x1", "en", "111", "1111", "a-b", "x.txt", "x/x"),
    *(str(uuid.UUID(int=1, version=4)), "2024-01-01", "2024-01-01T00:00:00", "12:00:00"),
)
"""Tried one after the other as the value of a path parameter, until one matches."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """What a framework serves at a path.

    Arguments:
        path: the template of the path, as the framework writes it, below the mounts.
        example: a path that matches, or None if no value for a parameter does.
        methods: the methods that the route takes; empty for a WebSocket.
        endpoint: what the application registered.
        bodies: the functions in which the application's own code begins, behind decorators.
            Empty if they are not known: then only the response tells whether a request got through.
        scopes: the declared scopes.
        protected: the endpoint checks the token itself.
        bypassed: the scopes of a decorator, if the route calls the undecorated function.
        selected: what the ASGI scope holds as `endpoint` or `route_handler` when the router has
            chosen this route.
        is_open_ended: serves all paths below `path`, without routes that could be read.
        is_fallback: answers requests that no route matches.
        is_unread: stands for all routes of a framework whose routes the audit does not know.
    """

    kind: Kind
    path: str
    example: str | None
    methods: tuple[str, ...]
    endpoint: object
    bodies: tuple[FunctionType, ...] = ()
    scopes: tuple[str, ...] = ()
    host: str | None = None
    protected: bool = False
    bypassed: tuple[str, ...] | None = None
    selected: object = None
    is_open_ended: bool = False
    is_fallback: bool = False
    is_unread: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the application the walk is: below which path and host, for which protocols."""

    placeholders: Mapping[str, str]
    path: str = ""
    example: str | None = ""
    host: str | None = None
    kinds: tuple[Kind, ...] = ("http", "websocket")

    def below(self, path: str, example: str | None) -> "Place":
        """Return the place below a mount."""
        return replace(self, path=self.path + path, example=self.joined(example))

    def at_host(self, host: str | None) -> "Place":
        """Return the place of the routes for one host."""
        return replace(self, host=host)

    def only(self, *kinds: Kind) -> "Place":
        """Return the same place for only some protocols."""
        return replace(self, kinds=tuple(kind for kind in self.kinds if kind in kinds))

    def joined(self, example: str | None) -> str | None:
        """Return the example of a path below this place, or None if one part has none."""
        return None if self.example is None or example is None else self.example + example

    def value(self, name: str, matches: Callable[[str], object], *allowed: str) -> str | None:
        """Return a value for the path parameter `name` that `matches` accepts."""
        if name in self.placeholders:
            return self.placeholders[name]
        return next((value for value in (*allowed, *VALUES) if matches(value)), None)


def is_a(value: object, *names: str) -> bool:
    """Return whether the class of `value`, or one of its bases, has one of these full names.

    Frameworks are recognised by name, so that the audit imports none.
    """
    return is_subclass(type(value), *names)


def is_subclass(kind: type, *names: str) -> bool:
    """Return whether `kind` or one of its bases has one of these full names."""
    return any(f"{base.__module__}.{base.__qualname__}" in names for base in kind.__mro__)
