"""`BearerMiddleware`: lets HTTP requests and WebSockets pass only with a good access token.

Lifespan events pass too; they start and end the fetch of keys. No other scope type is served.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from asgi_bearer.caller import ANONYMOUS, Anonymous, Principal
from asgi_bearer.credentials import Presented, has_none
from asgi_bearer.errors import AccessTokenError, InsufficientScope, shown
from asgi_bearer.guard import challenge
from asgi_bearer.guard.arguments import flag_faults, name_faults, object_faults
from asgi_bearer.guard.connection import (
    PRINCIPAL_KEY,
    REALM_KEY,
    REFUSAL_KEY,
    Realm,
    is_preflight,
    log_refusal,
)
from asgi_bearer.guard.endpoints import as_refusal, verified
from asgi_bearer.guard.lifespan import run_lifespan
from asgi_bearer.guard.public_paths import PublicPaths
from asgi_bearer.guard.response_headers import marking_private, varying
from asgi_bearer.guard.token_end import run_until_token_ends
from asgi_bearer.guard.websocket import Handshake, take_token
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.keys.source import Warmable
from asgi_bearer.scopes import checked_scopes, missing_scopes_reason

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    # Wider than Starlette's type: frameworks annotate the three arguments in different ways.
    Application = Callable[[Any, Any, Any], Awaitable[None]]


class BearerMiddleware:
    """Lets a request pass only with a good access token (RFC 6750).

    The application finds the `Principal` in `scope["user"]` and `scope["auth"]`; in Starlette and
    FastAPI that is `request.user` and `request.auth`. A refused request never reaches it.

    Arguments:
        app: the application to protect.
        verifier: verifies access tokens, such as a `JWTVerifier`.
        scopes: every request that is not public needs all of these scopes.
        public: requests that need no token: exact paths (`/healthz`), or a method and a path
            (`GET /docs`, which covers HEAD). They are compared with the path that the application
            routes by (without `root_path`), never with a URL built from the Host header. A path
            with needless percent-escapes is not public.
        realm: the realm in challenges; printable ASCII.
        optional: requests without credentials pass as `Anonymous`. Bad credentials are still
            refused.
        cache_control: a response without `Cache-Control` gets `Cache-Control: private`. HTTP caches
            need no such header (RFC 9111 §3.5), but some are configured to ignore that. Without it
            a request costs a few per cent less.
        preflight: CORS preflights (`OPTIONS` with `Origin` and `Access-Control-Request-Method`)
            pass without a token. Any client can send one, and an application that ignores the
            method answers it with its data. Better put the CORS middleware outside this one: it
            answers preflights itself.
        set_user: the principal is left in `scope["user"]` and `scope["auth"]`, too. Set it to False
            if a framework owns them, such as Django Channels; `principal(scope)` returns it anyway.
        websocket_subprotocol: a client may offer this subprotocol, and behind it the token, instead
            of the Authorization header of a WebSocket, which browsers cannot set:
            `new WebSocket(url, ["bearer", token])` with `websocket_subprotocol="bearer"`. The
            application sees neither. Unlike `Authorization`, the header `Sec-WebSocket-Protocol` is
            shown in the logs of some proxies and servers, so they may hold tokens.
        end_with_token: when the token ends, the guard closes its WebSocket (code 1008) and ends its
            stream, a response without `Content-Length`. The client sees a complete body. Needs
            asyncio.
        clock: returns the seconds since the epoch, for `end_with_token`.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """

    def __init__(
        self,
        app: "Application",
        *,
        verifier: Verifier,
        scopes: str | Iterable[str] = (),
        public: Collection[str] = (),
        realm: str = "api",
        optional: bool = False,
        cache_control: bool = True,
        preflight: bool = False,
        set_user: bool = True,
        websocket_subprotocol: str | None = None,
        end_with_token: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        faults: list[str] = []
        self._needed: tuple[str, ...] = ()
        try:
            self._needed = checked_scopes(scopes)
        except ValueError as err:
            faults.append(str(err))
        self._public = PublicPaths(public)
        faults += name_faults(realm, websocket_subprotocol)
        faults += self._public.faults
        if optional and self._needed:
            faults.append(
                "`optional=True` cannot be combined with `scopes`: anonymous requests have none"
            )
        faults += flag_faults(
            optional=optional,
            cache_control=cache_control,
            preflight=preflight,
            set_user=set_user,
            end_with_token=end_with_token,
        )
        faults += object_faults(app, verifier, clock)
        if faults:
            raise ValueError("; ".join(faults))
        self._app = app
        self._verifier = verifier
        self._scopes = frozenset(self._needed)
        self._realm = realm
        self._left_realm = Realm(realm, verifier)
        self._optional = optional
        self._cache_control = cache_control
        self._preflight = preflight
        self._may_skip_verification = preflight or not self._public.is_empty
        self._set_user = set_user
        self._subprotocol = websocket_subprotocol
        self._end_with_token = end_with_token
        self._clock = clock
        self._leaves_user_only = set_user and not end_with_token

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if (kind := scope.get("type")) != "http":
            await self._serve_other(kind, scope, receive, send)
            return
        user: Principal | Anonymous = ANONYMOUS
        if not (self._may_skip_verification and self._skips_verification(scope)):
            refusal: AccessTokenError | None = None
            try:
                # No local variable holds the credentials, because error reporters log them.
                if not (self._optional and has_none(scope)):
                    user = await self._verifier.verify(Presented.in_scope(scope))
                    if not isinstance(user, Principal):  # pyright: ignore[reportUnnecessaryIsInstance] - a custom verifier may return anything
                        raise TypeError("verify must return a Principal")
                    if not self._scopes <= user.scopes:
                        raise self._insufficient(user)
            except Exception as err:
                # A custom verifier may raise anything: an unknown failure refuses the request.
                refusal = as_refusal(err)
            if refusal is not None:
                log_refusal(scope, refusal)
                await challenge.send_response(scope, send, refusal, self._realm)
                return
            if self._optional:
                send = varying(send)
            if self._cache_control:
                send = marking_private(send)
        if self._leaves_user_only:
            scope["user"] = scope["auth"] = scope[PRINCIPAL_KEY] = user
            scope[REALM_KEY] = self._left_realm
            await self._app(scope, receive, send)
        else:
            await self._pass(user, scope, receive, send)

    async def _serve_other(
        self, kind: object, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        if kind == "websocket":
            await self._serve_websocket(scope, receive, send)
            return
        if kind != "lifespan":
            # It may be a new kind of request, which would pass without a token.
            raise RuntimeError(f"the ASGI scope type {shown(kind)} is not supported")
        if isinstance(self._verifier, Warmable):
            await run_lifespan(self._app, self._verifier, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve_websocket(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        handshake = Handshake(scope, send, self._realm)
        token = take_token(scope, self._subprotocol)
        if token is not None:
            handshake.subprotocol = self._subprotocol
        user: Principal | Anonymous = ANONYMOUS
        if not (self._may_skip_verification and self._skips_verification(scope)):
            refusal: AccessTokenError | None = None
            try:
                if token is not None:
                    user = await verified(token.in_header(scope), self._verifier)
                elif not (self._optional and has_none(scope)):
                    user = await verified(scope, self._verifier)
                if isinstance(user, Principal) and not self._scopes <= user.scopes:
                    raise self._insufficient(user)
            except AccessTokenError as err:
                # The frames in its traceback hold the token.
                refusal = err.with_traceback(None)
            if refusal is not None:
                log_refusal(scope, refusal)
                await handshake.refuse(refusal)
                return
        scope[REFUSAL_KEY] = handshake.refusals
        await self._pass(user, scope, receive, handshake.send)
        await handshake.end()

    async def _pass(
        self, user: Principal | Anonymous, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        if self._set_user:
            scope["user"] = scope["auth"] = user
        scope[PRINCIPAL_KEY] = user
        scope[REALM_KEY] = self._left_realm
        if self._end_with_token and isinstance(user, Principal):
            ends_at = user.expires_at
            await run_until_token_ends(
                self._app, scope, receive, send, remaining=lambda: ends_at - self._clock()
            )
        else:
            await self._app(scope, receive, send)

    def _skips_verification(self, scope: "Scope") -> bool:
        return self._public.match(scope) or (self._preflight and is_preflight(scope))

    def _insufficient(self, user: Principal) -> InsufficientScope:
        return InsufficientScope(self._needed, missing_scopes_reason(self._needed, user.scopes))
