"""Finds a path for a URL pattern of Django."""

import re
from importlib import import_module
from typing import Any, Final

from asgi_bearer.testing.audit.routes.route import VALUES, Place, is_a

_PARAMETER: Final = re.compile(r"<(?:[^>:]+:)?([^>]+)>")


def template_of(pattern: Any) -> str:
    """Return a pattern as the application writes it."""
    return str(pattern)


def example_of(pattern: Any, place: Place) -> str | None:
    """Return a path that matches the pattern, or None if no value for a parameter does."""
    if is_a(pattern, "django.urls.resolvers.RegexPattern"):
        return _regex_example(pattern, place)
    pieces = _PARAMETER.split(str(pattern))
    for position in range(1, len(pieces), 2):
        converter = pattern.converters[pieces[position]]
        value = place.value(pieces[position], re.compile(converter.regex).fullmatch)
        if value is None:
            return None
        pieces[position] = value
    return "".join(pieces)


def _regex_example(pattern: Any, place: Place) -> str | None:
    normalize = import_module("django.utils.regex_helper").normalize
    for text, names in normalize(str(pattern)):
        given = {name: place.placeholders[name] for name in names if name in place.placeholders}
        # A pattern may allow only words that it names.
        for value in (*VALUES, *re.findall(r"\w+", str(pattern))):
            # All other parameters get the same value, the first with which the whole path matches.
            path = str(text % {**dict.fromkeys(names, value), **given})
            if pattern.match(path):
                return path
    return None
