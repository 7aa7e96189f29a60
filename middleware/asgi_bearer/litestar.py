"""Litestar: scopes as guards, and a plugin that guards and documents an application.

A route handler is protected by `guards=[scopes("read:items")]`, on itself, its controller, its
router or the application, for HTTP and for WebSockets.
"""

import json
from collections.abc import MutableMapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain, product
from typing import Any, Final, TypedDict, Unpack, cast

try:
    from litestar import Request, Response, WebSocket
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.datastructures import State
    from litestar.exceptions import HTTPException
    from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
    from litestar.middleware import DefineMiddleware
    from litestar.openapi.spec import (
        Components,
        OpenAPIHeader,
        OpenAPIMediaType,
        OpenAPIResponse,
        OpenAPIType,
        Operation,
        Reference,
        Schema,
        SecurityRequirement,
        SecurityScheme,
    )
    from litestar.plugins import InitPlugin, ReceiveRoutePlugin
    from litestar.routes import BaseRoute, HTTPRoute
except ImportError as err:
    raise ImportError("asgi_bearer.litestar needs Litestar: pip install litestar") from err

from asgi_bearer.caller import Principal
from asgi_bearer.errors import AccessTokenError
from asgi_bearer.guard import challenge
from asgi_bearer.guard.endpoints import access_refusal, realm
from asgi_bearer.guard.lifespan import warmed
from asgi_bearer.guard.middleware import BearerMiddleware
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.scopes import checked_scopes

__all__ = [
    "BearerPlugin",
    "BearerRequest",
    "BearerWebSocket",
    "GuardArguments",
    "Refused",
    "ScopesGuard",
    "refused_response",
    "scopes",
]

BearerRequest = Request[Principal, Principal, State]
"""A request whose `user` and `auth` are a `Principal`."""

BearerWebSocket = WebSocket[Principal, Principal, State]
"""A WebSocket whose `user` and `auth` are a `Principal`."""

_EXCLUDED: Final = "exclude_from_auth"
"""The key in `opt` that Litestar's own authentication has for handlers that need no token."""

_SCHEME: Final = "bearer"
"""The name of the security scheme in the documentation."""

_PROBLEM: Final = "application/problem+json"

_REFUSALS: Final = {401: "Unauthorized", 403: "Forbidden", 503: "ServiceUnavailable"}
_DESCRIPTIONS: Final = {
    401: "The access token is missing or not valid.",
    403: "The access token does not permit this request.",
    503: "The access token cannot be verified now.",
}


class Refused(HTTPException):
    """A guard refuses the request; the exception holds the status and the headers.

    Litestar sends both by itself; with `BearerPlugin` it sends the problem body, too. A WebSocket
    is answered by the `BearerMiddleware` around it.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        self.refusal = refusal
        super().__init__(
            detail=refusal.sentence,
            status_code=refusal.status,
            headers=challenge.headers(refusal, realm),
        )


def refused_response(_request: Request[Any, Any, Any], exc: Refused) -> Response[bytes]:
    """Return the problem response (RFC 9457) for a `Refused`; `BearerPlugin` registers it."""
    return Response(
        json.dumps(challenge.problem(exc.refusal)).encode("ascii"),
        status_code=exc.status_code,
        headers=exc.headers,
        media_type=_PROBLEM,
    )


@dataclass(frozen=True, slots=True)
class ScopesGuard:
    """A guard of Litestar that asks for scopes; `scopes` makes it.

    Attributes:
        needed: the names of the scopes.
        any_of: one of them is enough.
    """

    needed: tuple[str, ...]
    any_of: bool

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        """Refuse the request if its access token lacks a scope.

        Raises:
            Refused: the request is anonymous, or lacks a scope.
            RuntimeError: no guard has seen the request.
        """
        refusal = access_refusal(connection.scope, self.needed, any_of=self.any_of)
        if refusal is not None:
            raise Refused(refusal, realm(connection.scope))


def scopes(*names: str, any_of: bool = False) -> ScopesGuard:
    """Return a guard of Litestar: the access token must have all the scopes.

    Without names, every token passes, and anonymous requests do not.

    Arguments:
        any_of: one of the scopes is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none to choose from.
    """
    if any_of and not names:
        raise ValueError("any_of=True needs at least one scope")
    return ScopesGuard(checked_scopes(names), any_of)


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
            components = openapi.components
            openapi.components = [
                *(components if isinstance(components, list) else [components]),
                Components(
                    security_schemes={_SCHEME: self._scheme},
                    responses={name: _response(status) for status, name in _REFUSALS.items()},
                ),
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
                handler.operation_class = _guarded(
                    handler.operation_class, self._requirements(handler)
                )

    def _requirements(self, handler: HTTPRouteHandler) -> list[SecurityRequirement]:
        """Return the alternatives: each is one way to have all the scopes that are needed."""
        resolved = cast("list[object]", cast("Any", handler).resolve_guards())
        guards = [guard for guard in resolved if isinstance(guard, ScopesGuard)]
        choices = [
            [(name,) for name in guard.needed] if guard.any_of else [guard.needed]
            for guard in guards
        ]
        alternatives: list[SecurityRequirement] = [
            {_SCHEME: list(dict.fromkeys(chain(self._needed, *choice)))}
            for choice in product(*choices)
        ]
        return [*alternatives, {}] if self._optional and not guards else alternatives


class _RouteGuard(BearerMiddleware):
    """The guard of one route. It asks the handler whether it needs a token: inside Litestar, a
    mounted application has another `path`, which must not be compared with public paths."""

    def __init__(self, app: Any, **arguments: Any) -> None:
        super().__init__(app, **arguments)
        self._may_skip_verification = True

    def _skips_verification(self, scope: MutableMapping[str, Any]) -> bool:
        return bool(scope["route_handler"].opt.get(_EXCLUDED))


async def _no_application(*_: object) -> None: ...


def _guarded(base: type[Operation], security: list[SecurityRequirement]) -> type[Operation]:
    """Return a class of operations with the refusals, and `security` unless the handler has its
    own."""

    # The base may be any dataclass, and only those with a `__post_init__` call one.
    def init(self: Operation, *args: Any, **members: Any) -> None:
        base.__init__(self, *args, **members)
        self.security = self.security or security
        references = {str(status): _reference(name) for status, name in _REFUSALS.items()}
        self.responses = {**references, **(self.responses or {})}

    return cast("type[Operation]", type(base.__name__, (base,), {"__init__": init}))


def _reference(name: str) -> Reference:
    return Reference(ref=f"#/components/responses/{name}")


def _response(status: int) -> OpenAPIResponse:
    string = Schema(type=OpenAPIType.STRING)
    members = {"type": string, "title": string, "detail": string, "error": string}
    problem = Schema(
        type=OpenAPIType.OBJECT,
        properties={**members, "status": Schema(type=OpenAPIType.INTEGER)},
        required=["type", "title", "status", "detail"],
    )
    header = "Retry-After" if status == HTTPStatus.SERVICE_UNAVAILABLE else "WWW-Authenticate"
    return OpenAPIResponse(
        description=_DESCRIPTIONS[status],
        headers={name: OpenAPIHeader(schema=string) for name in (header, "Cache-Control")},
        content={_PROBLEM: OpenAPIMediaType(schema=problem)},
    )
