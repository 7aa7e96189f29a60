"""Scopes of an endpoint, for Starlette, FastAPI and Litestar (there for HTTP only).

`requires` and `requires_any` protect one endpoint behind `BearerMiddleware`. The endpoint is a
function or method, async or not, with a parameter `request` or `websocket`, or an endpoint class.
A subclass that overrides `dispatch` of such a class is not protected.
"""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, ParamSpec, TypeVar, cast

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from asgi_bearer.errors import AccessTokenError
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import POLICY_VIOLATION, can_deny_with_http
from asgi_bearer.guard.declared import declare
from asgi_bearer.guard.endpoints import access_refusal, realm
from asgi_bearer.scopes import checked_scopes

__all__ = ["Refused", "refused_response", "requires", "requires_any"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])

_PARAMETERS: Final = ("request", "websocket")


class Refused(HTTPException):
    """An endpoint refuses the request; the exception holds the status and the headers.

    Starlette, FastAPI and Litestar send both by themselves. Add
    `exception_handlers={Refused: refused_response}` to send the problem body too. If the server
    cannot answer a WebSocket with HTTP, a `WebSocketException` closes it instead.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        self.refusal = refusal
        super().__init__(
            refusal.status, refusal.sentence, headers=challenge.headers(refusal, realm)
        )


def refused(scope: Mapping[str, Any], refusal: AccessTokenError) -> Refused | WebSocketException:
    """Return the exception with which an endpoint refuses a request, as the server can send it."""
    if scope["type"] == "websocket" and not can_deny_with_http(scope):
        return WebSocketException(POLICY_VIOLATION, refusal.sentence)
    return Refused(refusal, realm(scope))


async def refused_response(request: Request, exc: Exception) -> Response:
    """Return the problem response (RFC 9457) for a `Refused`; use it in `exception_handlers`.

    Raises:
        TypeError: the application registered it for another exception.
    """
    if not isinstance(exc, Refused):
        raise TypeError(f"refused_response answers Refused, not {type(exc).__name__}")
    return Response(
        json.dumps(challenge.problem(exc.refusal)),
        exc.status_code,
        exc.headers,
        media_type="application/problem+json",
    )


def requires(*scopes: str) -> Callable[[_Endpoint], _Endpoint]:
    """Protect an endpoint: the access token must have all `scopes`. Without any, each token passes.

    **`@requires` above `@app.get(...)` protects nothing**: FastAPI has already registered the
    function. Write `@app.get(...)` first and `@requires(...)` below it, next to the function.

    Raises:
        ValueError: a name is not a scope name.
        TypeError: the function has no parameter `request` or `websocket`, or the class has no
            method `dispatch`.
    """
    return _protect(checked_scopes(scopes))


def requires_any(*scopes: str) -> Callable[[_Endpoint], _Endpoint]:
    """Protect an endpoint: the access token must have at least one of `scopes`.

    Write it below `@app.get(...)`, like `requires`; **above it, it protects nothing**.

    Raises:
        ValueError: a name is not a scope name, or there is none.
        TypeError: as for `requires`.
    """
    return _protect(checked_scopes(scopes, any_of=True), any_of=True)


def _protect(needed: tuple[str, ...], *, any_of: bool = False) -> Callable[[_Endpoint], _Endpoint]:
    def decorate(endpoint: _Endpoint) -> _Endpoint:
        if inspect.isclass(endpoint):
            protected_class = _protected_class(endpoint, check)
            declare(protected_class.dispatch, protected_class.dispatch, needed)
            return cast("_Endpoint", protected_class)
        protected = _protected_function(endpoint, check)
        declare(protected, endpoint, needed)
        return cast("_Endpoint", protected)

    def check(scope: Mapping[str, Any]) -> None:
        refusal = access_refusal(scope, needed, any_of=any_of)
        if refusal is not None:
            raise refused(scope, refusal)

    return decorate


_Check = Callable[[Mapping[str, Any]], None]


def _protected_class(endpoint: type[Any], check: _Check) -> type[Any]:
    dispatch: Callable[[Any], Awaitable[None]] | None = getattr(endpoint, "dispatch", None)
    if dispatch is None:
        raise TypeError(f"{endpoint!r} must have a method dispatch")

    @functools.wraps(dispatch)
    async def protected(self: Any) -> None:
        check(self.scope)
        await dispatch(self)

    endpoint.dispatch = protected
    return endpoint


def _protected_function(endpoint: Callable[_P, _R], check: _Check) -> Callable[_P, Any]:
    names = list(inspect.signature(endpoint).parameters)
    name = next((name for name in names if name in _PARAMETERS), None)
    if name is None:
        raise TypeError(f"{endpoint!r} must have a parameter named request or websocket")
    position = names.index(name)

    def check_call(args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        connection = kwargs[name] if name in kwargs else args[position]
        check(cast("HTTPConnection", connection).scope)

    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def protected_async(*args: _P.args, **kwargs: _P.kwargs) -> object:
            check_call(args, kwargs)
            return await endpoint(*args, **kwargs)

        return protected_async

    @functools.wraps(endpoint)
    def protected(*args: _P.args, **kwargs: _P.kwargs) -> object:
        check_call(args, kwargs)
        return endpoint(*args, **kwargs)

    return protected
