"""Django's requests: their ASGI scope, their types for views, and the response to a refusal."""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, Final, Protocol, cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponse

from asgi_bearer.caller import Principal
from asgi_bearer.errors import AccessTokenError
from asgi_bearer.guard import challenge, endpoints

_SCOPE: Final = "_asgi_bearer_scope"


class BearerRequest(HttpRequest):
    """The type of a request behind the middleware, for annotations only.

    Attributes:
        principal: who makes the request, or None if it is anonymous.
    """

    principal: Principal | None


class GuardedRequest(HttpRequest):
    """The type of a request of which the middleware or `requires` refused the anonymous ones, for
    annotations only.

    Attributes:
        principal: who makes the request.
    """

    principal: Principal


class Writable(Protocol):
    """What this package writes into a request."""

    principal: Principal | None
    user: object
    auser: Callable[[], Awaitable[object]]
    csrf_processing_done: bool


def writable(request: HttpRequest) -> Writable:
    """Return the request, whose attributes may be written."""
    return cast("Writable", request)


def is_async(view: object) -> bool:
    """Return whether a view is an async function, or Django marked it as one."""
    # The function of `inspect` does not see the mark before Python 3.12.
    return iscoroutinefunction(view)  # pyright: ignore[reportDeprecated] - see above


def has_scope(request: HttpRequest) -> bool:
    """Return whether the request came over ASGI."""
    return hasattr(request, "scope")


def scope_of(request: HttpRequest) -> MutableMapping[str, Any]:
    """Return the ASGI scope of a request; over WSGI, a mapping that stands for it.

    That mapping has no headers: error reports show attributes, and the headers hold the token.
    """
    scope = getattr(request, "scope", None) or getattr(request, _SCOPE, None)
    if scope is None:
        scope = {"type": "http", "method": request.method, "path": request.path}
        setattr(request, _SCOPE, scope)
    return cast("MutableMapping[str, Any]", scope)


def scope_with_headers(request: HttpRequest) -> MutableMapping[str, Any]:
    """Return the scope of a request with the headers that a verifier reads."""
    scope = scope_of(request)
    if "headers" in scope:
        return scope
    headers: list[tuple[bytes, bytes]] = []
    with suppress(KeyError):
        # A character outside Latin-1 becomes "?", which no token has.
        value = str(request.META["HTTP_AUTHORIZATION"]).encode("latin-1", "replace")
        headers.append((b"authorization", value))
    return {**scope, "headers": headers}


def refused_response(request: HttpRequest, refused: AccessTokenError) -> HttpResponse:
    """Return the problem response to a request, with the realm that the guard has left."""
    return problem_response(refused, endpoints.realm(scope_of(request)))


def problem_response(refused: AccessTokenError, realm: str) -> HttpResponse:
    """Return the problem response (RFC 9457) with the challenge of RFC 6750 §3."""
    return HttpResponse(
        json.dumps(challenge.problem(refused)),
        status=refused.status,
        headers=challenge.headers(refused, realm),
        content_type="application/problem+json",
    )
