"""The guard in front of an ASGI application: http and WebSocket; all else passes untouched.

With the lifespan of the application the keys get ready, and a fetch that is under way ends.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from asgi_bearer import challenge
from asgi_bearer.credentials import Presented, presented
from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMissing,
    InsufficientScope,
    NotJudgedError,
    VerificationFaulted,
)
from asgi_bearer.keys.source import Warmable
from asgi_bearer.lifespan import with_keys
from asgi_bearer.principal import ANONYMOUS, Anonymous, Principal
from asgi_bearer.shortcut import shortcut
from asgi_bearer.verify import Verifier

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

USER_KEY: Final = "asgi_bearer.user"
REALM_KEY: Final = "asgi_bearer.realm"
"""Where the ASGI scope tells those further inside whom the guard let pass, and with which realm:
beside `user` and `auth`, which an application may replace."""

_ANY_METHOD: Final = ""
_NO_METHOD: Final = "WebSocket"
"""Neither can be configured: a method has only capital letters."""

_METHOD: Final = re.compile("[A-Z]+")
_PATH: Final = re.compile("/[^?#*]*")
"""What could only stand in a URL or a pattern would never match and is refused."""

_PRIVATE: Final = (b"cache-control", b"private")
_CACHE_CONTROL_LENGTH: Final = len(b"cache-control")

POLICY_VIOLATION: Final = 1008
"""WebSocket close code (RFC 6455 §7.4.1)."""

logger = logging.getLogger("asgi_bearer")


class BearerMiddleware:
    """Lets a request pass only with a good access token (RFC 6750).

    The application finds the `Principal` in `scope["user"]` and `scope["auth"]`, which Starlette
    and FastAPI show as `request.user` and `request.auth`. A refused request never reaches it.

    Arguments:
        app: the application to guard.
        verifier: judges what is presented.
        scopes: all of them are needed for every request that is not public.
        public: what needs no token and is never judged: exact paths (`/healthz`) or a method and
            a path (`GET /docs`, which covers HEAD). Compared with the path of the ASGI scope,
            never with a URL that the Host header takes part in.
        realm: names the protected space in challenges; printable ASCII.
        optional: lets a request without credentials pass as `Anonymous`. Bad credentials are
            refused all the same.

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
        self._public: defaultdict[str, set[str]] = defaultdict(set)
        for entry in [public] if isinstance(public, str) else public:
            method, _, path = entry.rpartition(" ")
            if not _PATH.fullmatch(path) or (method and not _METHOD.fullmatch(method)):
                faults.append(f"public: {entry!r} is neither a path nor a method and a path")
            else:
                self._public[path].add(method or _ANY_METHOD)
        if optional and self._scopes:
            faults.append("optional and scopes exclude each other: nobody has no scopes")
        if not _is_flag(optional):
            faults.append(f"optional must be True or False, not {optional!r}")
        if faults:
            raise ValueError("; ".join(faults))
        self._app = app
        self._verifier = verifier
        self._recall: Callable[[bytes], object] | None = shortcut(verifier, "recall", "verify")
        self._realm = realm
        self._optional = optional

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] not in ("http", "websocket"):
            if scope["type"] == "lifespan" and isinstance(self._verifier, Warmable):
                await with_keys(self._app, self._verifier, scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        headers: Iterable[tuple[bytes, bytes]] = scope["headers"]
        if not isinstance(headers, list):
            # ASGI promises an iterable; the application wants to read it as well.
            headers = scope["headers"] = list(headers)
        user: Principal | Anonymous = ANONYMOUS
        # Nearly every request is neither, and needs no second look.
        unusual = scope["path"] in self._public or scope.get("method") == "OPTIONS"
        if not (unusual and self._passes_unjudged(scope)):
            refusal: AccessTokenError | None = None
            values: list[bytes] = []
            try:
                for name, value in headers:
                    if name == b"authorization":
                        values.append(value)
                known = self._recall(values[0]) if self._recall and len(values) == 1 else None
                if isinstance(known, Principal):
                    user = known
                elif (credential := self._presented(values)) is not None:
                    user = await self._verifier.verify(credential)
                    _check_is_principal(user)
                if not user.scopes.issuperset(self._scopes):
                    raise InsufficientScope(self._scopes, f"needs {' '.join(self._scopes)}")
            except AccessTokenError as err:
                # Its frames hold the token, and would be held by it until the next collection.
                refusal = err.with_traceback(None)
            except Exception as err:
                # An unknown failure refuses. Its message may quote the token, so only its type is
                # told, and it is not chained.
                refusal = VerificationFaulted(f"{type(err).__name__} in the verifier")
            if refusal is not None:
                await self._refuse(refusal, scope, send)
                return
            if scope["type"] == "http":
                send = partial(self._send, send)
        scope["user"] = scope["auth"] = scope[USER_KEY] = user
        scope[REALM_KEY] = self._realm
        await self._app(scope, receive, send)

    def _passes_unjudged(self, scope: "Scope") -> bool:
        # A server may name one for a WebSocket as well, where it says nothing.
        method: str = scope["method"] if scope["type"] == "http" else _NO_METHOD
        if method == "OPTIONS":
            # A browser never sends credentials with a preflight (Fetch, CORS protocol).
            names = {name for name, _ in scope["headers"]}
            if {b"origin", b"access-control-request-method"} <= names:
                return True
        if (public := self._public.get(scope["path"])) is None:
            return False
        return not public.isdisjoint({_ANY_METHOD, method, "GET" if method == "HEAD" else method})

    def _presented(self, values: Sequence[bytes]) -> Presented | None:
        try:
            return presented(values)
        except CredentialsMissing:
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
        level = logging.WARNING if isinstance(refusal, NotJudgedError) else logging.INFO
        logger.log(level, "refused %s", refusal)
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


def can_deny_with_http(scope: Mapping[str, Any]) -> bool:
    """Return whether the server can answer this WebSocket handshake with an HTTP response."""
    return "websocket.http.response" in (scope.get("extensions") or {})


def _check_is_principal(value: object) -> None:
    if not isinstance(value, Principal):
        raise TypeError("a verifier returned no Principal")


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)
