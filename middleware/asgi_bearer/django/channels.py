"""Channels: consumers and routers that ask for scopes, behind `BearerMiddleware`.

In asgi.py, `BearerMiddleware(ProtocolTypeRouter(...), verifier=..., set_user=False)` stands
outside: `AuthMiddlewareStack` writes `scope["user"]` itself. `asgi_bearer.principal(self.scope)`
returns who opened the WebSocket.
"""

import functools
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any, TypeVar, cast

if find_spec("channels") is None:
    raise ImportError("asgi_bearer.django.channels needs Channels: pip install channels")

from channels.consumer import AsyncConsumer

from asgi_bearer.guard.endpoints import refusal
from asgi_bearer.scopes import checked_scopes

__all__ = ["requires", "requires_any"]

_Guarded = TypeVar("_Guarded", bound=Callable[..., Any])


def requires(*scopes: str) -> Callable[[_Guarded], _Guarded]:
    """Protect a consumer: the access token must have all `scopes`.

    It decorates a consumer class or wraps an application, such as a `URLRouter`. The guard refuses
    a WebSocket before it is accepted. Without scopes, each token passes.

    Raises:
        ValueError: a name is not a scope name.
    """
    return _protect(checked_scopes(scopes), any_of=False)


def requires_any(*scopes: str) -> Callable[[_Guarded], _Guarded]:
    """Protect a consumer: the access token must have at least one of `scopes`.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """
    return _protect(checked_scopes(scopes, any_of=True), any_of=True)


def _protect(needed: tuple[str, ...], *, any_of: bool) -> Callable[[_Guarded], _Guarded]:
    def decorate(guarded: _Guarded) -> _Guarded:
        if not isinstance(guarded, type):
            return cast("_Guarded", protected(guarded))
        if not issubclass(guarded, AsyncConsumer):
            raise TypeError(f"{guarded!r} must be a consumer")
        consumer: Any = guarded
        as_asgi: Callable[..., Any] = consumer.as_asgi.__func__

        def protected_as_asgi(cls: type[Any], /, **initkwargs: Any) -> Callable[..., Any]:
            return protected(as_asgi(cls, **initkwargs))

        # A subclass has it, too.
        consumer.as_asgi = classmethod(functools.update_wrapper(protected_as_asgi, as_asgi))
        return cast("_Guarded", consumer)

    def protected(app: Callable[..., Awaitable[None]]) -> Callable[..., Any]:
        async def protected_app(scope: Any, receive: Any, send: Any) -> None:
            refused = refusal(scope, *needed, any_of=any_of)
            if refused is None:
                await app(scope, receive, send)
            elif scope["type"] == "http":
                status, headers, body = refused
                start = {"type": "http.response.start", "status": status, "headers": headers}
                await send(start)
                await send({"type": "http.response.body", "body": body})
            # The guard refuses a WebSocket if the application returns without an answer.

        functools.update_wrapper(protected_app, app)
        # URLRouter asks for it, to match only the beginning of a path.
        is_router = getattr(app, "_path_routing", False)
        vars(protected_app)["_path_routing"] = is_router
        return protected_app

    return decorate
