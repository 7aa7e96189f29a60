"""The plugin that guards every route of a Litestar application, and documents it."""

from collections.abc import MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import Any, Final, TypedDict, Unpack, cast

from litestar.config.app import AppConfig
from litestar.middleware import DefineMiddleware
from litestar.openapi.spec import SecurityScheme
from litestar.plugins import InitPlugin, ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from asgi_bearer.guard.lifespan import warmed
from asgi_bearer.guard.middleware import BearerMiddleware
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.litestar.guards import Refused, ScopesGuard, refused_response
from asgi_bearer.litestar.openapi import components, guarded, requirements
from asgi_bearer.scopes import checked_scopes

_EXCLUDED: Final = "exclude_from_auth"
"""The key in `opt` that Litestar's own authentication has for handlers that need no token."""


class GuardArguments(TypedDict, total=False):
    """The arguments of `BearerMiddleware` that `BearerPlugin` passes on."""

    scopes: str | Sequence[str]
    realm: str
    optional: bool
    cache_control: bool
    websocket_subprotocol: str | None
    end_with_token: bool


class BearerPlugin(InitPlugin, ReceiveRoutePlugin):
    """Guards every route of an application, fetches the keys at startup, documents it in OpenAPI.

    A handler (or controller, or router) with `exclude_from_auth=True` needs no token. Litestar
    looks for the route first: a path that does not exist is 404 without a token.

    Arguments:
        verifier: verifies access tokens, such as a `JWTVerifier`.
        security_scheme: how the documentation says to get a token; by default it asks for one.
        guard: arguments of `BearerMiddleware`.

    Raises:
        ValueError: as `BearerMiddleware`.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        security_scheme: SecurityScheme | None = None,
        **guard: Unpack[GuardArguments],
    ) -> None:
        # Wrong arguments are reported here, not where Litestar registers the first route.
        _RouteGuard(_no_application, verifier=verifier, **guard)
        self._verifier = verifier
        self._scheme = security_scheme or SecurityScheme(
            type="http", scheme="bearer", bearer_format="JWT"
        )
        self._needed = checked_scopes(guard.get("scopes", ()))
        self._optional = guard.get("optional", False)
        # Litestar has types of its own for ASGI.
        guard_class = cast("Any", _RouteGuard)
        self._middleware = DefineMiddleware(guard_class, verifier=verifier, **guard)

    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add the guard, the lifespan, the response to `Refused` and the security scheme."""
        # Some types of its members are not complete.
        config = cast("Any", app_config)
        config.middleware.insert(0, self._middleware)
        config.lifespan.append(self._lifespan)
        config.exception_handlers.setdefault(Refused, refused_response)
        if app_config.openapi_config is not None:
            # Applications without a configuration of their own share one.
            app_config.openapi_config = openapi = copy(app_config.openapi_config)
            before = openapi.components
            openapi.components = [
                *(before if isinstance(before, list) else [before]),
                components(self._scheme),
            ]
        return app_config

    def _lifespan(self, _application: object) -> AbstractAsyncContextManager[None]:
        return warmed(self._verifier)

    def receive_route(self, route: BaseRoute) -> None:
        """Add the scopes and the refusals to the documentation of a route."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if not handler.opt.get(_EXCLUDED):
                resolved = cast("list[object]", cast("Any", handler).resolve_guards())
                guards = [guard for guard in resolved if isinstance(guard, ScopesGuard)]
                security = requirements(self._needed, guards)
                if self._optional and not guards:
                    security.append({})
                handler.operation_class = guarded(handler.operation_class, security)


class _RouteGuard(BearerMiddleware):
    """The guard of one route. It asks the handler whether it needs a token: inside Litestar, a
    mounted application has another `path`, which must not be compared with public paths."""

    def __init__(self, app: Any, **arguments: Any) -> None:
        super().__init__(app, **arguments)
        self._may_skip_verification = True

    def _skips_verification(self, scope: MutableMapping[str, Any]) -> bool:
        return bool(scope["route_handler"].opt.get(_EXCLUDED))


async def _no_application(*_: object) -> None: ...
