"""What stands behind a registered endpoint: the functions of the application, declared scopes."""

import functools
import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from types import FunctionType, MethodType
from typing import Any, Final, cast

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
_VIEW_METHODS: Final = (*_METHODS, *_SOCKET_HANDLERS, "dispatch_request", "handle")
_DISPATCHERS: Final = ("dispatch", "dispatch_request")

_DECORATORS: Final = "django.utils.decorators"

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
    bypassed: tuple[str, ...] | None

    def behind(self, checks: Iterable[object]) -> "Part":
        """Return the part behind what a framework calls before it, such as guards."""
        checked = together(checks)
        if checked is None:
            return self
        return replace(self, scopes=tuple(dict.fromkeys((*self.scopes, *checked))), protected=True)


def parts(endpoint: object, methods: tuple[str, ...] | None) -> Iterator[Part]:
    """Yield the parts of an endpoint: one for a function, one for each method of a class.

    Arguments:
        endpoint: what the application registered.
        methods: the methods that the route takes; None if the endpoint decides.
    """
    *_, last = layers(endpoint)
    around = protection(endpoint)
    handlers = list(_handlers(last, _actions(endpoint))) if isinstance(last, type) else []
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
    bypassed = unchecked if checked is None else None
    return Part(methods, bodies, checked or bypassed or (), checked is not None, bypassed)


def _actions(endpoint: object) -> Mapping[str, str]:
    """Return the methods of a view set of Django REST framework by the HTTP methods they serve."""
    for layer in layers(endpoint):
        if isinstance(layer, FunctionType) and isinstance(vars(layer).get("actions"), dict):
            return cast("dict[str, str]", vars(layer)["actions"])
    return {}


def _handlers(view: type, actions: Mapping[str, str]) -> Iterator[tuple[tuple[str, ...], object]]:
    allowed = getattr(view, "http_method_names", _METHODS)
    served: dict[str, Any] = {
        name: handler
        for name in _METHODS
        if name in allowed
        and (handler := getattr(view, actions.get(name, name), None)) is not None
        and not (name in _ANSWERED_BY_FRAMEWORKS and is_of_framework(handler))
    }
    for name, handler in served.items():
        with_head = name == "get" and "head" not in served
        yield (("GET", "HEAD") if with_head else (name.upper(),)), handler


def protection(endpoint: object) -> tuple[str, ...] | None:
    """Return the scopes that an endpoint checks itself, or None if it checks no token."""
    return together(check for layer in layers(endpoint) for check in _checks(layer))


def together(checks: Iterable[object]) -> tuple[str, ...] | None:
    """Return the scopes that any of `checks` declares, or None if none of them checks a token."""
    declared = [scopes for check in checks if (scopes := declared_scopes(check)) is not None]
    return tuple(dict.fromkeys(chain.from_iterable(declared))) if declared else None


def _checks(layer: object) -> Iterator[object]:
    yield layer
    if isinstance(layer, type):
        yield from (getattr(layer, name, None) for name in _DISPATCHERS)
    elif isinstance(layer, FunctionType) and layer.__globals__["__name__"] == _DECORATORS:
        # `method_decorator` keeps the decorators, and copies the scopes of only one of them.
        for content in _contents(layer):
            yield from cast("list[object]", content) if isinstance(content, list) else [content]


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
    for content in _contents(function):
        if isinstance(content, FunctionType | MethodType | functools.partial):
            yield content


def _contents(function: FunctionType) -> Iterator[object]:
    for cell in function.__closure__ or ():
        # A variable may not be set yet.
        with suppress(ValueError):
            yield cell.cell_contents
