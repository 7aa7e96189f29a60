"""Reads what FastAPI adds to the routes of Starlette: included routers, scopes of `Security`."""

from collections.abc import Iterator
from typing import Any

from asgi_bearer.guard.declared import declared_scopes


def flat(router: Any) -> Iterator[Any]:
    """Yield the routes of a router; those of included routers as they are served there."""
    for route in [*router.routes, *getattr(router, "_low_priority_routes", ())]:
        contexts = getattr(route, "effective_route_contexts", None)
        if contexts is None:
            yield route
        else:
            for context in [*contexts(), *route.effective_low_priority_routes()]:
                # Routes of Starlette are copied, those of FastAPI described by the context itself.
                yield context.starlette_route or context


def original(route: Any) -> Any:
    """Return the route whose class tells its kind."""
    return getattr(route, "original_route", route)


def frontend_paths(route: Any) -> Iterator[str]:
    """Yield the paths of a group of folders with files."""
    prefix = getattr(route, "frontend_prefix", "")
    for folder in original(route).routes:
        yield prefix + folder.path.rstrip("/")


def scopes(route: Any) -> tuple[str, ...]:
    """Return the scopes that a route declares with `Security(..., scopes=[...])`."""
    dependant = getattr(route, "dependant", None)
    return () if dependant is None else tuple(dict.fromkeys(_scopes(dependant)))


def _scopes(dependant: Any) -> Iterator[str]:
    # The name of the attribute changed between versions of FastAPI.
    own = getattr(dependant, "own_oauth_scopes", None) or getattr(dependant, "security_scopes", ())
    yield from own or ()
    yield from declared_scopes(dependant.call) or ()
    for dependency in dependant.dependencies:
        yield from _scopes(dependency)
