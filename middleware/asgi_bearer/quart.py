"""Quart: scopes per view, for HTTP and for WebSockets, behind `BearerMiddleware`.

`requires` and `requires_any` protect views, methods of class views, and whole blueprints if they
protect a function of `before_request` and `before_websocket`.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast, overload

try:
    from quart import Response, current_app, has_request_context, request, websocket
except ImportError as err:
    raise ImportError("asgi_bearer.quart needs Quart: pip install quart") from err

from asgi_bearer.caller import Principal
from asgi_bearer.guard import endpoints
from asgi_bearer.scopes import checked_scopes

__all__ = ["Requirement", "principal", "requires", "requires_any"]

_P = ParamSpec("_P")
_R = TypeVar("_R")


def principal() -> Principal:
    """Return who makes the current request.

    Where anonymous requests may pass, use `asgi_bearer.principal(request.scope)`.

    Raises:
        RuntimeError: the request is anonymous, or no guard has seen it.
    """
    user = endpoints.principal(_scope())
    if user is None:
        raise RuntimeError("the request is anonymous, so it has no principal")
    return user


def requires(*scopes: str) -> "Requirement":
    """Protect a view: the access token must have all `scopes`. Without any, each token passes.

    **`@requires` above `@app.get(...)` protects nothing**: Quart has already registered the view.
    Write `@app.get(...)` first and `@requires(...)` below it, next to the function. A class view
    has it in `decorators`.

    Raises:
        ValueError: a name is not a scope name.
    """
    return Requirement(checked_scopes(scopes), any_of=False)


def requires_any(*scopes: str) -> "Requirement":
    """Protect a view: the access token must have at least one of `scopes`.

    Write it below `@app.get(...)`, like `requires`; **above it, it protects nothing**.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """
    return Requirement(checked_scopes(scopes, any_of=True), any_of=True)


class Requirement:
    """The decorator that `requires` and `requires_any` return.

    Arguments:
        needed: the names of the scopes.
        any_of: one of them is enough.
    """

    def __init__(self, needed: tuple[str, ...], *, any_of: bool) -> None:
        self.needed = needed
        self.any_of = any_of

    @overload
    def __call__(
        self, view: Callable[_P, Awaitable[_R]]
    ) -> Callable[_P, Awaitable[_R | Response]]: ...
    @overload
    def __call__(self, view: Callable[_P, _R]) -> Callable[_P, Awaitable[_R | Response]]: ...
    def __call__(self, view: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Return the protected view. Without the scopes it returns the refusal as its response.

        Raises:
            TypeError: `view` is a class.
        """
        if inspect.isclass(view):
            raise TypeError(
                f"{view!r} is a class: write decorators = [requires(...)] into it instead"
            )

        @functools.wraps(view)
        async def protected(*args: Any, **kwargs: Any) -> Any:
            refusal = endpoints.refusal(_scope(), *self.needed, any_of=self.any_of)
            if refusal is not None:
                # If the server cannot send it to a WebSocket, Quart closes that, and the guard
                # answers the close.
                fields = {name.decode(): value.decode() for name, value in refusal.headers}
                return Response(refusal.body, refusal.status, fields)
            # A view that is not async runs in a thread.
            return await current_app.ensure_async(view)(*args, **kwargs)

        return protected


def _scope() -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", (request if has_request_context() else websocket).scope)
