"""The scopes that each operation of an application needs, read from its OpenAPI document.

A framework that checks scopes in layers knows in each layer only the scopes of that layer. A
challenge must name the scopes of all layers, or a client asks for one after the other.
"""

import logging
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from threading import Lock
from typing import Any, Final
from weakref import WeakKeyDictionary

from asgi_bearer.guard.public_paths import routed_path

_PARAMETER: Final = re.compile(r"{(\w+)}")

_logger: Final = logging.getLogger("asgi_bearer")

Operations = Mapping[tuple[str, str], tuple[str, ...]]
"""The scopes of operations, by method and template of the path."""


class OperationScopes:
    """Remembers the scopes of the operations of each application.

    Arguments:
        schemes: the names of the security schemes whose scopes count.
    """

    def __init__(self, schemes: Collection[str]) -> None:
        self._schemes = schemes
        self._known: WeakKeyDictionary[object, Operations] = WeakKeyDictionary()
        self._lock = Lock()

    def known(self, app: object) -> Operations | None:
        """Return what `read` has read, or None before."""
        return self._known.get(app)

    def read(self, app: object, document: Callable[[], Mapping[str, Any]]) -> Operations:
        """Return the operations of `app`; only the first call makes the document.

        A document of hundreds of operations takes a while, so call this in a thread.
        """
        with self._lock:
            found = self._known.get(app)
            if found is None:
                try:
                    found = dict(_operations(document(), self._schemes))
                # The framework asks the types of the application for their schemas, so any
                # exception is possible. The request is refused in any case.
                except Exception as err:
                    _logger.warning(
                        "the OpenAPI document cannot be made (%s), so a challenge names only the"
                        " scopes of the dependency that refused the request",
                        type(err).__name__,
                    )
                    found = {}
                self._known[app] = found
        return found


def scopes_of(
    operations: Operations, scope: Mapping[str, Any], checked: tuple[str, ...]
) -> tuple[str, ...]:
    """Return all scopes that the operation of a request needs.

    Arguments:
        scope: the ASGI scope; the router has left the parameters of the path in it.
        checked: the scopes that were checked. They are returned if the operation is not known.
    """
    path = routed_path(scope)
    parameters: Mapping[str, object] = scope.get("path_params", {})
    found = [
        (template.count("{"), needed)
        for (method, template), needed in operations.items()
        if method == scope["method"] and _filled(template, parameters) == path
    ]
    # `/items/me` fits `/items/{id}` too. The router has left a parameter only for the second one.
    _, needed = max(found, key=lambda entry: entry[0], default=(0, checked))
    # Otherwise the document describes another route with the same path.
    return needed if set(needed).issuperset(checked) else checked


def _filled(template: str, parameters: Mapping[str, object]) -> str:
    return _PARAMETER.sub(lambda match: str(parameters.get(match[1], match[0])), template)


def _operations(
    document: Mapping[str, Any], schemes: Collection[str]
) -> Iterator[tuple[tuple[str, str], tuple[str, ...]]]:
    for template, item in document.get("paths", {}).items():
        for method, operation in item.items():
            needed = (
                name
                for requirement in operation.get("security", ())
                for scheme, names in requirement.items()
                if scheme in schemes
                for name in names
            )
            yield (method.upper(), template), tuple(dict.fromkeys(needed))
