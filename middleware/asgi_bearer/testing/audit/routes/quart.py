"""Yields the routes of Quart, blueprints included."""

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from asgi_bearer.testing.audit.routes.endpoint import bodies, part_of_socket, parts
from asgi_bearer.testing.audit.routes.route import Place, Route

_PARAMETER: Final = re.compile(
    r"<(?:(?P<converter>[A-Za-z_]\w*)(?:\((?P<arguments>.*?)\))?:)?(?P<name>[A-Za-z_]\w*)>"
)
"""A parameter of a path: `<name>`, `<int:name>` or `<any(a, b):name>`."""

Walk = Callable[[object, Place], Iterator[Route]]


def routes(app: Any, place: Place, _walk: Walk) -> Iterator[Route]:
    """Yield the routes of an application."""
    for rule in app.url_map.iter_rules():
        endpoint = app.view_functions[rule.endpoint]
        example = place.joined(_example(rule, place))
        host = rule.host or place.host
        path = place.path + rule.rule
        if rule.websocket:
            if "websocket" in place.kinds:
                part = part_of_socket(endpoint).behind(_before(app.before_websocket_funcs, rule))
                yield Route(
                    "websocket", path, example, (), endpoint, part.bodies, part.scopes, host,
                    part.protected, part.bypassed,
                )  # fmt: skip
        elif "http" in place.kinds:
            methods = set(rule.methods)
            if rule.provide_automatic_options:
                methods.discard("OPTIONS")
            for alone in parts(endpoint, tuple(sorted(methods))):
                part = alone.behind(_before(app.before_request_funcs, rule))
                yield Route(
                    "http", path, example, part.methods, endpoint, part.bodies, part.scopes, host,
                    part.protected, part.bypassed,
                )  # fmt: skip
    yield from _fallbacks(app, place)


def _before(functions: Any, rule: Any) -> Iterator[object]:
    """Yield what the application and the blueprints of a rule call before the view."""
    names = rule.endpoint.split(".")
    for name in (None, *(".".join(names[:end]) for end in range(1, len(names)))):
        yield from functions.get(name, ())


def _fallbacks(app: Any, place: Place) -> Iterator[Route]:
    handlers = app.error_handler_spec.get(None, {}).get(404, {})
    for handler in handlers.values() if "http" in place.kinds else ():
        yield Route(
            "http", f"{place.path}/<no route>", place.joined("/assert-guarded/no-route"), ("GET",),
            handler, bodies(handler), host=place.host, is_fallback=True,
        )  # fmt: skip


def _example(rule: Any, place: Place) -> str | None:
    values: dict[str, object] = dict(rule.defaults or {})
    for name, converter in _converters(rule):
        items = sorted(getattr(converter, "items", ()))
        matches = items.__contains__ if items else re.compile(converter.regex).fullmatch
        value = place.value(name, matches, *items)
        if value is None:
            return None
        values[name] = converter.to_python(value)
    built = rule.build(values, append_unknown=False)
    return None if built is None else built[1]


def _converters(rule: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each parameter in the path and the converter of its values."""
    from werkzeug.routing.rules import parse_converter_args

    for match in _PARAMETER.finditer(rule.rule):
        arguments, options = parse_converter_args(match["arguments"] or "")
        kind = match["converter"] or "default"
        yield match["name"], rule.get_converter(match["name"], kind, arguments, options)
