"""Scopes per endpoint, for Starlette and what is built on it (FastAPI), and for Litestar.

`requires` and `requires_any` guard one endpoint behind `BearerMiddleware`: an async or plain
function or method with a parameter `request` or `websocket`, or an endpoint class (its `dispatch`;
a subclass that replaces `dispatch` is guarded no longer). In Litestar: http only.
"""

import functools
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, ParamSpec, TypeVar, cast

from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from asgi_bearer import challenge
from asgi_bearer.connection import (
    POLICY_VIOLATION,
    REALM_KEY,
    USER_KEY,
    can_deny_with_http,
    log_refusal,
)
from asgi_bearer.errors import AccessTokenError, CredentialsMissing, InsufficientScope
from asgi_bearer.principal import Anonymous, Principal
from asgi_bearer.scopes import lacking

__all__ = ["Refused", "refused_response", "requires", "requires_any"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])

_PARAMETERS: Final = ("request", "websocket")


class Refused(HTTPException):
    """A refusal inside the application, with its challenge in the headers.

    A WebSocket whose server cannot answer with HTTP is closed by a `WebSocketException` instead.

    Starlette, FastAPI and Litestar answer it with its status and headers by themselves; add
    `exception_handlers={Refused: refused_response}` to have the problem body as well.

    Attributes:
        refusal: what was wrong.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        self.refusal = refusal
        super().__init__(
            refusal.status, refusal.sentence, headers=challenge.headers(refusal, realm)
        )


async def refused_response(request: Request, exc: Exception) -> Response:
    """Return the problem response to a `Refused`; for `exception_handlers` (RFC 9457).

    Raises:
        TypeError: it was registered for another exception.
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
    """Guard an endpoint: the access token must grant all `scopes`; none means any good token.

    **`@requires` above `@app.get(...)` guards nothing**: FastAPI has registered the function below
    it by then. Write `@app.get(...)` first and `@requires(...)` under it, next to the function.

    Raises:
        ValueError: a name is no scope name.
        TypeError: what is decorated has neither a parameter `request` or `websocket` nor, for a
            class, a method `dispatch`.
    """
    needed = challenge.checked_scopes(scopes)
    return _guard(needed, frozenset(needed).issubset)


def requires_any(*scopes: str) -> Callable[[_Endpoint], _Endpoint]:
    """Guard an endpoint: the access token must grant at least one of `scopes`.

    It stands under `@app.get(...)`, as `requires` does; **above it, it guards nothing**.

    Raises:
        ValueError: a name is no scope name, or there is none.
        TypeError: as `requires`.
    """
    needed = challenge.checked_scopes(scopes)
    if not needed:
        raise ValueError("requires_any needs at least one scope")
    return _guard(needed, lambda granted: not granted.isdisjoint(needed), any_of=True)


def _guard(
    needed: tuple[str, ...], enough: Callable[[frozenset[str]], bool], *, any_of: bool = False
) -> Callable[[_Endpoint], _Endpoint]:
    def decorate(endpoint: _Endpoint) -> _Endpoint:
        if inspect.isclass(endpoint):
            return cast("_Endpoint", _guarded_class(endpoint, check))
        return cast("_Endpoint", _guarded_function(endpoint, check))

    def check(scope: Mapping[str, Any]) -> None:
        # Not scope["user"]: what the application put there instead has granted nothing.
        user = scope.get(USER_KEY)
        if not isinstance(user, (Principal, Anonymous)):
            raise RuntimeError("an endpoint with requires() stands behind no BearerMiddleware")
        refusal: AccessTokenError
        if not user.is_authenticated:
            refusal = CredentialsMissing("the endpoint needs an access token")
        elif not enough(user.scopes):
            refusal = InsufficientScope(needed, lacking(needed, user.scopes, any_of=any_of))
        else:
            return
        log_refusal(scope, refusal)
        if scope["type"] == "websocket" and not can_deny_with_http(scope):
            raise WebSocketException(POLICY_VIOLATION, refusal.sentence)
        raise Refused(refusal, scope[REALM_KEY])

    return decorate


_Check = Callable[[Mapping[str, Any]], None]


def _guarded_class(endpoint: type[Any], check: _Check) -> type[Any]:
    dispatch: Callable[[Any], Awaitable[None]] | None = getattr(endpoint, "dispatch", None)
    if dispatch is None:
        raise TypeError(f"{endpoint!r} has no method dispatch to guard")

    @functools.wraps(dispatch)
    async def guarded(self: Any) -> None:
        check(self.scope)
        await dispatch(self)

    endpoint.dispatch = guarded
    return endpoint


def _guarded_function(endpoint: Callable[_P, _R], check: _Check) -> Callable[_P, Any]:
    names = list(inspect.signature(endpoint).parameters)
    name = next((name for name in names if name in _PARAMETERS), None)
    if name is None:
        raise TypeError(f"{endpoint!r} has no parameter named request or websocket")
    position = names.index(name)

    def check_call(args: tuple[object, ...], kwargs: Mapping[str, object]) -> None:
        connection = kwargs[name] if name in kwargs else args[position]
        check(cast("HTTPConnection", connection).scope)

    if inspect.iscoroutinefunction(endpoint):

        @functools.wraps(endpoint)
        async def guarded_async(*args: _P.args, **kwargs: _P.kwargs) -> object:
            check_call(args, kwargs)
            return await endpoint(*args, **kwargs)

        return guarded_async

    @functools.wraps(endpoint)
    def guarded(*args: _P.args, **kwargs: _P.kwargs) -> object:
        check_call(args, kwargs)
        return endpoint(*args, **kwargs)

    return guarded
