"""The guard in front of an ASGI application: http and WebSocket; beside them only lifespan passes.

With the lifespan of the application the keys get ready, and a fetch that is under way ends.
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
from asgi_bearer.lifespan import with_keys
from asgi_bearer.principal import ANONYMOUS, Anonymous, Principal
from asgi_bearer.public_paths import PublicPaths
from asgi_bearer.scopes import lacking
from asgi_bearer.shortcut import shortcut

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_PRIVATE: Final = (b"cache-control", b"private")
_CACHE_CONTROL_LENGTH: Final = len(b"cache-control")


class BearerMiddleware:
    """Lets a request pass only with a good access token (RFC 6750).

    The application finds the `Principal` in `scope["user"]` and `scope["auth"]`, which Starlette
    and FastAPI show as `request.user` and `request.auth`. A refused request never reaches it.

    Arguments:
        app: the application to guard.
        verifier: judges what is presented.
        scopes: all of them are needed for every request that is not public.
        public: what needs no token and is never judged: exact paths (`/healthz`) or a method and
            a path (`GET /docs`, which covers HEAD). Compared with the path that the application
            routes by (without `root_path`), never with a URL that the Host header takes part in.
            A path that is spelled with needless escapes is judged.
        realm: names the protected space in challenges; printable ASCII.
        optional: lets a request without credentials pass as `Anonymous`. Bad credentials are
            refused all the same.
        preflight: lets a CORS preflight (`OPTIONS` with `Origin` and
            `Access-Control-Request-Method`) pass without a token. Any client can send one: an
            application that does not look at the method answers it with its data, to anybody. Put
            the CORS middleware outside the guard instead; it answers preflights itself.

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
        self._some_pass_unjudged = preflight or self._public.some

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        try:
            kind = scope["type"]
        except KeyError:
            kind = None
        if kind not in ("http", "websocket"):
            if kind != "lifespan":
                # Nothing is known of it, so it cannot be judged.
                raise RuntimeError(f"the ASGI scope type {shown(kind)} is not served")
            if isinstance(self._verifier, Warmable):
                await with_keys(self._app, self._verifier, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        user: Principal | Anonymous = ANONYMOUS
        if not (self._some_pass_unjudged and self._passes_unjudged(scope)):
            # In a function of its own: while the application runs, no frame here holds the token,
            # which an error reporter would show with the other local variables.
            judged = await self._judged(scope)
            if isinstance(judged, AccessTokenError):
                await self._refuse(judged, scope, send)
                return
            user = judged
            if kind == "http":
                send = partial(self._send, send)
        scope["user"] = scope["auth"] = scope[USER_KEY] = user
        scope[REALM_KEY] = self._realm
        await self._app(scope, receive, send)

    async def _judged(self, scope: "Scope") -> Principal | Anonymous | AccessTokenError:
        """Return in whose name the request is made, or why it is refused."""
        user: Principal | Anonymous = ANONYMOUS
        values: list[bytes] = []
        try:
            headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
            if not isinstance(headers, list):
                # ASGI promises an iterable; the application wants to read it as well.
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
                raise InsufficientScope(self._scopes, lacking(self._scopes, user.scopes))
        except AccessTokenError as err:
            # Its frames hold the token, and would be held by it until the next collection.
            return err.with_traceback(None)
        except Exception as err:
            # An unknown failure refuses. Its message may quote the token, so only its type is
            # told, and it is not chained.
            refusal = VerificationFaulted(f"{type(err).__name__} in the verifier")
        else:
            return user
        return refusal

    def _passes_unjudged(self, scope: "Scope") -> bool:
        return self._public.cover(scope) or (self._preflight and is_preflight(scope))

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
        """Send `message` so that no shared cache hands one caller's answer to another.

        RFC 9111 §3.5; `Cache-Control` stays as the application set it. Where nobody may be served
        too, the answers differ by the credentials (RFC 9110 §12.5.5).
        """
        if message["type"] == "http.response.start":
            headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
            for name, _ in headers:
                # Most names show by their length that they are others.
                if len(name) == _CACHE_CONTROL_LENGTH and name.lower() == b"cache-control":
                    break
            else:
                headers.append(_PRIVATE)
            if self._optional:
                headers.append((b"vary", b"Authorization"))
            message = {**message, "headers": headers}
        # No coroutine of its own: the application awaits the server's.
        return send(message)

    async def _refuse(self, refusal: AccessTokenError, scope: "Scope", send: "Send") -> None:
        log_refusal(scope, refusal)
        prefix = "http"
        if scope["type"] == "websocket":
            # Before accept, either as an HTTP response or, without the extension, by closing.
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
            {
                "type": f"{prefix}.response.start",
                "status": refusal.status,
                "headers": headers,
            }
        )
        if scope.get("method") == "HEAD":
            body = b""
        await send({"type": f"{prefix}.response.body", "body": body})


def _check_is_principal(value: object) -> None:
    if not isinstance(value, Principal):
        raise TypeError("a verifier returned no Principal")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_callable(value: object) -> bool:
    return callable(value)


def _verifies(value: object) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "verify", None))
