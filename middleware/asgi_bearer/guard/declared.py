"""Remembers which scopes an endpoint declares, so that `asgi_bearer.testing` can read them.

Decorators call `declare` when they protect an endpoint. If a route calls a function that
`bypassed_scopes` knows, the decorator stands above that of the route. Guards and permissions that
are objects have the attribute `SCOPES_ATTRIBUTE` themselves.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from weakref import WeakKeyDictionary

SCOPES_ATTRIBUTE: Final = "asgi_bearer_scopes"
"""The attribute of a protected callable that holds its scopes, a tuple of strings."""

_protected: WeakKeyDictionary[Callable[..., Any], tuple[str, ...]] = WeakKeyDictionary()


def declare(protected: Any, original: Callable[..., Any], scopes: tuple[str, ...]) -> None:
    """Note that `protected` checks `scopes` before it calls `original`."""
    inherited = declared_scopes(original) or ()
    declared = tuple(dict.fromkeys((*scopes, *inherited)))
    setattr(protected, SCOPES_ATTRIBUTE, declared)
    if original is not protected:
        # An ASGI application with slots may allow no weak reference.
        with suppress(TypeError):
            _protected[original] = declared


def declared_scopes(endpoint: object) -> tuple[str, ...] | None:
    """Return the scopes that a callable checks, or None if it was not protected."""
    scopes: tuple[str, ...] | None = getattr(endpoint, SCOPES_ATTRIBUTE, None)
    return scopes


def bypassed_scopes(endpoint: object) -> tuple[str, ...] | None:
    """Return the scopes that a decorated version of `endpoint` checks, or None if there is none."""
    try:
        return _protected.get(endpoint)  # type: ignore[call-overload, no-any-return]  # any object
    except TypeError:
        return None
