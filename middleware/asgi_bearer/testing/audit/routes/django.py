"""Yields the routes of Django, with Django REST framework and django-ninja."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from asgi_bearer.testing.audit.routes.endpoint import Part, bodies, parts
from asgi_bearer.testing.audit.routes.patterns import example_of, template_of
from asgi_bearer.testing.audit.routes.route import Place, Route, is_a

Walk = Callable[[object, Place], Iterator[Route]]


def routes(_handler: object, place: Place, _walk: Walk) -> Iterator[Route]:
    """Yield the routes of the settings' ROOT_URLCONF."""
    if "http" in place.kinds:
        resolver = import_module("django.urls").get_resolver()
        yield from _fallback(resolver, place)
        yield from _patterns(resolver, place.below("/", "/"))


def static_routes(handler: Any, place: Place, walk: Walk) -> Iterator[Route]:
    """Yield one route for the static files, and the routes of the application behind them."""
    path = handler.base_url.path.rstrip("/")
    example = place.joined(f"{path}/assert-guarded")
    if "http" in place.kinds:
        yield Route(
            "http", f"{place.path}{path}/*", example, ("GET", "HEAD"), handler,
            host=place.host, is_open_ended=True,
        )  # fmt: skip
    yield from walk(handler.application, place)


def _patterns(resolver: Any, place: Place) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        path, example = template_of(entry.pattern), example_of(entry.pattern, place)
        below = place.below(path, example)
        if hasattr(entry, "url_patterns"):
            yield from _patterns(entry, below)
        else:
            for view, part in _parts(entry.callback):
                yield Route(
                    "http", below.path, below.example, part.methods, view, part.bodies,
                    part.scopes, place.host, part.protected, part.bypassed,
                )  # fmt: skip


def _parts(view: Any) -> Iterator[tuple[object, Part]]:
    operations = _ninja_operations(view)
    for endpoint, methods, checks in operations or [(view, None, _permissions(view))]:
        for part in parts(endpoint, methods):
            yield endpoint, part.behind(checks)


def _permissions(view: Any) -> list[Any]:
    """Return the permissions of a view of Django REST framework."""
    default = getattr(getattr(view, "cls", None), "permission_classes", ())
    return list(getattr(view, "initkwargs", {}).get("permission_classes", default))


def _ninja_operations(view: Any) -> list[tuple[Any, tuple[str, ...] | None, list[Any]]]:
    """Return what django-ninja calls for a path: its view refers to an object with operations."""
    for cell in getattr(view, "__closure__", None) or ():
        if is_a(cell.cell_contents, "ninja.operation.PathView"):
            operations = cell.cell_contents.operations
            return [
                (operation.view_func, tuple(operation.methods), operation.auth_callbacks)
                for operation in operations
            ]
    return []


def _fallback(resolver: Any, place: Place) -> Iterator[Route]:
    if import_module("django.conf").settings.DEBUG:
        # Its page has the URL patterns of the application.
        handler = import_module("django.views.debug").technical_404_response
    else:
        handler = resolver.resolve_error_handler(404)
    if handler.__module__ != "django.views.defaults":
        yield Route(
            "http", f"{place.path}/<no route>", place.joined("/assert-guarded/no-route"), ("GET",),
            handler, bodies(handler), host=place.host, is_fallback=True,
        )  # fmt: skip
