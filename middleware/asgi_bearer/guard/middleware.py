"""`BearerMiddleware`: lets HTTP requests and WebSockets pass only with a good access token.

Lifespan events pass too; they start and end the fetch of keys. No other scope type is served.
"""

from collections.abc import Awaitable, Collection, Iterable
from typing import TYPE_CHECKING, Final

from asgi_bearer.caller import ANONYMOUS, Anonymous, Principal
from asgi_bearer.credentials import Presented, has_none
from asgi_bearer.errors import AccessTokenError, InsufficientScope, VerificationFaulted, shown
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import (
    POLICY_VIOLATION,
    REALM_KEY,
    USER_KEY,
    can_deny_with_http,
    is_preflight,
    log_refusal,
)
from asgi_bearer.guard.lifespan import run_lifespan
from asgi_bearer.guard.public_paths import PublicPaths
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.keys.source import Warmable
from asgi_bearer.scopes import missing_scopes_reason

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PRIVATE: Final = (b"cache-control", b"private")
_LENGTH: Final = len(b"cache-control")
_VARY: Final = (b"vary", b"Authorization")


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

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """

    def __init__(
        self,
        app: "ASGIApp",
        *,
        verifier: Verifier,
        scopes: str | Iterable[str] = (),
        public: Collection[str] = (),
        realm: str = "api",
        optional: bool = False,
        cache_control: bool = True,
        preflight: bool = False,
    ) -> None:
        faults: list[str] = []
        self._needed: tuple[str, ...] = ()
        try:
            self._needed = challenge.checked_scopes(scopes)
        except ValueError as err:
            faults.append(str(err))
        try:
            challenge.checked_realm(realm)
        except ValueError as err:
            faults.append(str(err))
        self._public = PublicPaths(public)
        faults += self._public.faults
        if optional and self._needed:
            faults.append(
                "`optional=True` cannot be combined with `scopes`: anonymous requests have none"
            )
        flags = {"optional": optional, "cache_control": cache_control, "preflight": preflight}
        for name, flag in flags.items():
            if not _is_flag(flag):
                faults.append(f"{name} must be True or False, not {flag!r}")
        if not _verifies(verifier):
            faults.append("verifier must be an object with a method verify, such as a JWTVerifier")
        if not _is_callable(app):
            faults.append("app must be an ASGI application")
        if faults:
            raise ValueError("; ".join(faults))
        self._app = app
        self._verifier = verifier
        self._scopes = frozenset(self._needed)
        self._realm = realm
        self._optional = optional
        self._cache_control = cache_control
        self._preflight = preflight
        self._may_skip_verification = preflight or not self._public.is_empty

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        kind = scope.get("type")
        if kind != "http" and kind != "websocket":
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
                        raise InsufficientScope(
                            self._needed, missing_scopes_reason(self._needed, user.scopes)
                        )
            except AccessTokenError as err:
                # The frames in its traceback hold the token.
                refusal = err.with_traceback(None)
            except Exception as err:
                # An unexpected exception refuses the request. Its message may quote the token, so
                # only its type is logged, and it is not chained.
                refusal = VerificationFaulted(f"{type(err).__name__} in the verifier")
            if refusal is not None:
                await self._refuse(refusal, scope, send)
                return
            if kind == "http":
                if self._optional:
                    send = _varying(send)
                if self._cache_control:
                    send = _marking_private(send)
        scope["user"] = scope["auth"] = scope[USER_KEY] = user
        scope[REALM_KEY] = self._realm
        await self._app(scope, receive, send)

    async def _serve_other(
        self, kind: object, scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        if kind != "lifespan":
            # It may be a new kind of request, which would pass without a token.
            raise RuntimeError(f"the ASGI scope type {shown(kind)} is not supported")
        if isinstance(self._verifier, Warmable):
            await run_lifespan(self._app, self._verifier, scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _skips_verification(self, scope: "Scope") -> bool:
        return self._public.match(scope) or (self._preflight and is_preflight(scope))

    async def _refuse(self, refusal: AccessTokenError, scope: "Scope", send: "Send") -> None:
        log_refusal(scope, refusal)
        is_websocket = scope["type"] == "websocket"
        # The refusal comes before accept: an HTTP response, or a close without the extension.
        if is_websocket and not can_deny_with_http(scope):
            reason = refusal.sentence
            await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason})
            return
        kind = "websocket.http.response" if is_websocket else "http.response"
        headers, body = challenge.response(refusal, self._realm)
        await send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
        if scope.get("method") == "HEAD":
            body = b""
        await send({"type": f"{kind}.body", "body": body})


def _marking_private(send: "Send") -> "Send":
    """Return `send` so that no shared cache gives one client's response to another.

    The application's own `Cache-Control` stays (RFC 9111 §3.5).
    """

    # Every request makes this function. Annotations without quotes would be evaluated each time.
    def send_private(message: "Message") -> "Awaitable[None]":
        if message["type"] == "http.response.start":
            headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            if not isinstance(headers, list):
                headers = message["headers"] = list(headers)
            for name, _ in headers:
                # Comparing the length first avoids most calls of lower().
                if len(name) == _LENGTH and name.lower() == b"cache-control":
                    break
            else:
                # A new list, because an application may send the same list again.
                message["headers"] = [*headers, _PRIVATE]
        # Returning the server's awaitable saves a coroutine for each message.
        return send(message)

    return send_private


def _varying(send: "Send") -> "Send":
    """Return `send` so that a cache keeps responses for anonymous clients apart from the others.

    They depend on the Authorization header, so `Vary` names it (RFC 9110 §12.5.5).
    """

    def send_varying(message: "Message") -> "Awaitable[None]":
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message.get("headers", ()))
            if _VARY not in headers:
                headers.append(_VARY)
        return send(message)

    return send_varying


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_callable(value: object) -> bool:
    return callable(value)


def _verifies(value: object) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "verify", None))
