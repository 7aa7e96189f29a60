"""`BearerMiddleware`: lets HTTP requests and WebSockets pass only with a good access token.

Lifespan events pass too; they start and end the fetch of keys. No other scope type is served.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from asgi_bearer import challenge
from asgi_bearer.connection import (
    POLICY_VIOLATION,
    REALM_KEY,
    USER_KEY,
    can_deny_with_http,
    is_preflight,
    log_refusal,
)
from asgi_bearer.credentials import Presented, check_names, presented
from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMissing,
    InsufficientScope,
    VerificationFaulted,
    shown,
)
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.keys.source import Warmable
from asgi_bearer.lifespan import run_lifespan
from asgi_bearer.principal import ANONYMOUS, Anonymous, Principal
from asgi_bearer.public_paths import PublicPaths
from asgi_bearer.scopes import missing_scopes_reason
from asgi_bearer.shortcut import shortcut

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PRIVATE: Final = (b"cache-control", b"private")
_CACHE_CONTROL_LENGTH: Final = len(b"cache-control")


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
        preflight: bool = False,
    ) -> None:
        faults: list[str] = []
        self._scopes: tuple[str, ...] = ()
        try:
            self._scopes = challenge.checked_scopes(scopes)
        except ValueError as err:
            faults.append(str(err))
        try:
            challenge.checked_realm(realm)
        except ValueError as err:
            faults.append(str(err))
        self._public = PublicPaths(public)
        faults += self._public.faults
        if optional and self._scopes:
            faults.append(
                "`optional=True` cannot be combined with `scopes`: anonymous requests have none"
            )
        for name, flag in (("optional", optional), ("preflight", preflight)):
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
        self._recall: Callable[[bytes], object] | None = shortcut(verifier, "recall", "verify")
        self._realm = realm
        self._optional = optional
        self._preflight = preflight
        self._may_skip_verification = preflight or not self._public.is_empty

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            kind = scope["type"]
        except KeyError:
            kind = None
        if kind not in ("http", "websocket"):
            if kind != "lifespan":
                # It may be a new kind of request, which would pass without a token.
                raise RuntimeError(f"the ASGI scope type {shown(kind)} is not supported")
            if isinstance(self._verifier, Warmable):
                await run_lifespan(self._app, self._verifier, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        user: Principal | Anonymous = ANONYMOUS
        if not (self._may_skip_verification and self._skips_verification(scope)):
            # Error reporters log local variables. The token is local to `_authenticate`, so no
            # frame holds it while the application runs.
            result = await self._authenticate(scope)
            if isinstance(result, AccessTokenError):
                await self._refuse(result, scope, send)
                return
            user = result
            if kind == "http":
                send = partial(self._send, send)
        scope["user"] = scope["auth"] = scope[USER_KEY] = user
        scope[REALM_KEY] = self._realm
        await self._app(scope, receive, send)

    async def _authenticate(self, scope: "Scope") -> Principal | Anonymous | AccessTokenError:
        """Return who makes the request, or why it is refused."""
        user: Principal | Anonymous = ANONYMOUS
        values: list[bytes] = []
        try:
            headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
            if not isinstance(headers, list):
                # An iterator can be read only once, and the application reads the headers too.
                headers = scope["headers"] = list(headers)
            for name, value in headers:
                if name == b"authorization":
                    values.append(value)
            known = self._recall(values[0]) if self._recall and len(values) == 1 else None
            if isinstance(known, Principal):
                user = known
            elif (credential := self._presented(values, headers)) is not None:
                user = await self._verifier.verify(credential)
                _check_is_principal(user)
            if not user.scopes.issuperset(self._scopes):
                raise InsufficientScope(
                    self._scopes, missing_scopes_reason(self._scopes, user.scopes)
                )
        except AccessTokenError as err:
            # The frames in its traceback hold the token.
            return err.with_traceback(None)
        except Exception as err:
            # An unexpected exception refuses the request. Its message may quote the token, so only
            # its type is logged, and it is not chained.
            refusal = VerificationFaulted(f"{type(err).__name__} in the verifier")
        else:
            return user
        return refusal

    def _skips_verification(self, scope: "Scope") -> bool:
        return self._public.match(scope) or (self._preflight and is_preflight(scope))

    def _presented(
        self, values: Sequence[bytes], headers: Iterable[tuple[bytes, bytes]]
    ) -> Presented | None:
        try:
            return presented(values)
        except CredentialsMissing:
            check_names(name for name, _ in headers)
            if self._optional:
                return None
            raise

    def _send(self, send: "Send", message: "Message") -> Awaitable[None]:
        """Send `message` so that no shared cache gives one client's response to another.

        The application's own `Cache-Control` stays (RFC 9111 §3.5). With `optional`, the response
        depends on the Authorization header, so `Vary` names it (RFC 9110 §12.5.5).
        """
        if message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            for name, _ in headers:
                # Comparing the length first avoids most calls of lower().
                if len(name) == _CACHE_CONTROL_LENGTH and name.lower() == b"cache-control":
                    break
            else:
                headers.append(_PRIVATE)
            if self._optional:
                headers.append((b"vary", b"Authorization"))
            message = {**message, "headers": headers}
        # Returning the server's awaitable saves a coroutine for each message.
        return send(message)

    async def _refuse(self, refusal: AccessTokenError, scope: "Scope", send: "Send") -> None:
        log_refusal(scope, refusal)
        prefix = "http"
        if scope["type"] == "websocket":
            # The refusal comes before accept: an HTTP response, or a close without the extension.
            if not can_deny_with_http(scope):
                await send(
                    {
                        "type": "websocket.close",
                        "code": POLICY_VIOLATION,
                        "reason": refusal.sentence,
                    }
                )
                return
            prefix = "websocket.http"
        headers, body = challenge.response(refusal, self._realm)
        await send(
            {"type": f"{prefix}.response.start", "status": refusal.status, "headers": headers}
        )
        if scope.get("method") == "HEAD":
            body = b""
        await send({"type": f"{prefix}.response.body", "body": body})


def _check_is_principal(value: object) -> None:
    if not isinstance(value, Principal):
        raise TypeError("verify must return a Principal")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_callable(value: object) -> bool:
    return callable(value)


def _verifies(value: object) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "verify", None))
