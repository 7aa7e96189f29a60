"""What stands behind a registered endpoint: the functions of the application, declared scopes."""

import functools
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any, Final

from asgi_bearer.guard.declared import bypassed_scopes, declared_scopes
from asgi_bearer.testing.audit.routes.route import ALL_METHODS

_FRAMEWORKS: Final = frozenset(
    {
        *("starlette", "fastapi", "litestar", "quart"),
        *("django", "rest_framework", "ninja", "channels", "asgiref"),
    }
)

_METHODS: Final = (*("get", "head", "post", "put", "patch", "delete", "query"), "options", "trace")
_ANSWERED_BY_FRAMEWORKS: Final = ("options", "trace")
_SOCKET_HANDLERS: Final = ("on_connect", "on_receive", "connect", "websocket_connect")
_VIEW_METHODS: Final = (*_METHODS, *_SOCKET_HANDLERS, "dispatch_request")
_DISPATCHERS: Final = ("dispatch", "dispatch_request")

_INNER: Final = ("func", "_fn")
"""Attributes in which frameworks keep the function that an object calls."""


def layers(endpoint: object) -> Iterator[object]:
    """Yield an endpoint and what it wraps, from the outside to the inside."""
    seen: set[int] = set()
    current: Any = endpoint
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = _inner(current)


def _inner(current: Any) -> object:
    if isinstance(current, functools.partial):
        return current.func
    if isinstance(current, MethodType):
        return current.__func__
    if (view := view_class(current)) is not None:
        return view
    if inspect.isclass(current):
        return None
    if (wrapped := getattr(current, "__wrapped__", None)) is not None:
        return wrapped
    if isinstance(current, FunctionType):
        # api_view of Django REST framework calls the application's function without saying so.
        called = list(_functions_in_closure(current))
        return called[0] if len(called) == 1 and is_of_framework(current) else None
    return next((inner for name in _INNER if (inner := getattr(current, name, None))), None)


def view_class(endpoint: Any) -> type | None:
    """Return the class behind a function that `as_view` or `as_asgi` made."""
    if not isinstance(endpoint, FunctionType):
        return None
    for name in ("view_class", "cls", "consumer_class"):
        if isinstance(view := vars(endpoint).get(name), type):
            return view
    return None


def bodies(endpoint: object) -> tuple[FunctionType, ...]:
    """Return the functions in which the application's own code begins, or none if not known."""
    *_, last = layers(endpoint)
    if isinstance(last, type):
        handlers = (getattr(last, name, None) for name in _VIEW_METHODS)
        return tuple(body for handler in handlers if handler for body in bodies(handler))
    if not isinstance(last, FunctionType) or list(_functions_in_closure(last)):
        # A function that refers to another one may be a decorator's check in front of it.
        return ()
    return (last,)


@dataclass(frozen=True, slots=True)
class Part:
    """What an endpoint does for some methods; see the arguments of `Route`."""

    methods: tuple[str, ...]
    bodies: tuple[FunctionType, ...]
    scopes: tuple[str, ...]
    protected: bool
    bypassed: bool


def parts(endpoint: object, methods: tuple[str, ...] | None) -> Iterator[Part]:
    """Yield the parts of an endpoint: one for a function, one for each method of a class.

    Arguments:
        endpoint: what the application registered.
        methods: the methods that the route takes; None if the endpoint decides.
    """
    *_, last = layers(endpoint)
    around = protection(endpoint)
    handlers = list(_handlers(last)) if isinstance(last, type) else []
    if not handlers:
        yield _part(methods or ALL_METHODS, bodies(endpoint), around, bypassed(endpoint))
    for taken, handler in handlers:
        served = taken if methods is None else tuple(set(taken) & set(methods))
        if served:
            own = around if around is not None else protection(handler)
            yield _part(served, bodies(handler), own, bypassed(handler))


def part_of_socket(endpoint: object) -> Part:
    """Return what an endpoint does for a WebSocket."""
    return _part((), bodies(endpoint), protection(endpoint), bypassed(endpoint))


def _part(
    methods: tuple[str, ...],
    bodies: tuple[FunctionType, ...],
    checked: tuple[str, ...] | None,
    unchecked: tuple[str, ...] | None,
) -> Part:
    bypassed = checked is None and unchecked is not None
    return Part(methods, bodies, checked or unchecked or (), checked is not None, bypassed)


def _handlers(view: type) -> Iterator[tuple[tuple[str, ...], object]]:
    allowed = getattr(view, "http_method_names", _METHODS)
    for name in _METHODS:
        handler: Any = getattr(view, name, None)
        if handler is None or name not in allowed:
            continue
        if not (name in _ANSWERED_BY_FRAMEWORKS and is_of_framework(handler)):
            with_head = name == "get" and getattr(view, "head", None) is None
            yield (("GET", "HEAD") if with_head else (name.upper(),)), handler


def protection(endpoint: object) -> tuple[str, ...] | None:
    """Return the scopes that an endpoint checks itself, or None if it checks no token."""
    for layer in layers(endpoint):
        checks = [layer, *(getattr(layer, name, None) for name in _DISPATCHERS)]
        for check in checks if isinstance(layer, type) else [layer]:
            if (scopes := declared_scopes(check)) is not None:
                return scopes
    return None


def bypassed(endpoint: object) -> tuple[str, ...] | None:
    """Return the scopes that a decorated version of this endpoint checks, if it is not this one."""
    *_, last = layers(endpoint)
    return bypassed_scopes(last)


def is_of_framework(function: FunctionType) -> bool:
    """Return whether a framework defines the function, not the application."""
    return function.__module__.partition(".")[0] in _FRAMEWORKS


def name_of(endpoint: object) -> str:
    """Return the name of an endpoint for people: module, name and line."""
    *_, last = layers(endpoint)
    named: Any = last if isinstance(last, type | FunctionType) else type(last)
    code = getattr(named, "__code__", None)
    line = f" (line {code.co_firstlineno})" if code is not None else ""
    return f"{named.__module__}.{named.__qualname__}{line}"


def _functions_in_closure(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        try:
            content = cell.cell_contents
        except ValueError:  # The variable is not set yet.
            continue
        if isinstance(content, FunctionType | MethodType | functools.partial):
            yield content
