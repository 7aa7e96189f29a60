"""Calls an ASGI application in process, up to the start of its answer."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any, Final
from urllib.parse import quote

from asgi_bearer.testing.audit.reached import Watch
from asgi_bearer.testing.audit.routes.route import Kind

Scope = MutableMapping[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]

_SECONDS: Final = 20.0
"""How long an application may take for an answer, before the audit goes on without it."""

_SECONDS_TO_END: Final = 1.0
"""How long a call may go on after the start of its answer, which is all that the audit reads."""

_MOST_MESSAGES: Final = 20
"""After so many messages of an answer the client goes away."""

PREFLIGHT: Final = (
    (b"origin", b"https://assert-guarded.example"),
    (b"access-control-request-method", b"GET"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request of the audit; `raw_path` is the path as it is sent, if it is escaped needlessly."""

    kind: Kind
    method: str
    path: str
    host: str
    token: str | None = None
    is_preflight: bool = False
    raw_path: str | None = None


@dataclass(slots=True)
class Answer:
    """How an application began to answer, and which endpoints the request reached.

    Arguments:
        scope: the ASGI scope, as the application left it.
        chosen: the route that the router has chosen, if the router left it in the scope.
        sent_scope: the ASGI scope, as the application got it.
        status: of the HTTP response, which may also answer a WebSocket.
        challenges: the values of WWW-Authenticate.
        is_unknown_path: the application's handler for unknown paths was reached.
        close_code: the code with which a WebSocket was closed before it was accepted.
    """

    scope: Scope
    sent_scope: Scope
    status: int | None = None
    challenges: list[str] = field(default_factory=list[str])
    close_code: int | None = None
    is_accepted: bool = False
    error: BaseException | None = None
    reached: list[FunctionType] = field(default_factory=list[FunctionType])
    is_unknown_path: bool = False
    chosen: object = None


async def answer_of(app: Application, request: Request, watch: Watch) -> Answer:
    """Call `app` with a request, and return how it began to answer."""
    answer = Answer(_scope(request), _scope(request))
    began = asyncio.get_running_loop().create_future()
    gone = "websocket.disconnect" if request.kind == "websocket" else "http.disconnect"
    waiting: list[dict[str, Any]] = [
        {"type": "websocket.connect"}
        if request.kind == "websocket"
        else {"type": "http.request", "body": b"", "more_body": False}
    ]

    more = 0

    async def receive() -> dict[str, Any]:
        if not waiting:
            # Some frameworks end a request when its client has gone, so the client stays until
            # it has seen the start of the answer. Then an endless stream has to end.
            await asyncio.shield(began)
            return {"type": gone}
        return waiting.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal more
        if began.done():
            # An endless stream may never wait for anything else, nor ask whether the client stays.
            more += 1
            if more > _MOST_MESSAGES:
                raise OSError("the client has gone")
            await asyncio.sleep(0)
        elif _note(message, answer):
            began.set_result(None)

    watch.functions.clear()
    call = asyncio.ensure_future(app(answer.scope, receive, send))
    await asyncio.wait((call, began), timeout=_SECONDS, return_when=asyncio.FIRST_COMPLETED)
    if not call.done():
        await asyncio.wait((call,), timeout=_SECONDS_TO_END)
    if not call.done():
        call.cancel()
        await asyncio.wait((call,), timeout=_SECONDS_TO_END)
    answer.reached = list(watch.functions)
    if call.done() and not call.cancelled():
        error = call.exception()
        # The frames of `Reached` hold the request.
        answer.error = None if answer.reached else error
    return answer


def _note(message: MutableMapping[str, Any], answer: Answer) -> bool:
    """Note what begins an answer; return False if the message does not."""
    kind = message["type"]
    if kind in ("http.response.start", "websocket.http.response.start"):
        answer.status = message["status"]
        answer.challenges = [
            bytes(value).decode("latin-1")
            for name, value in message.get("headers", ())
            if bytes(name).lower() == b"www-authenticate"
        ]
    elif kind == "websocket.accept":
        answer.is_accepted = True
    elif kind == "websocket.close":
        answer.close_code = message.get("code", 1000)
    else:
        return False
    return True


def _scope(request: Request) -> Scope:
    headers = [(b"host", request.host.encode("ascii"))]
    if request.token is not None:
        headers.append((b"authorization", f"Bearer {request.token}".encode("ascii")))
    if request.is_preflight:
        headers += PREFLIGHT
    scope: Scope = {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": request.path,
        "raw_path": (request.raw_path or quote(request.path, safe="/!$&'()*+,;=:@")).encode(),
        "query_string": b"",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": (request.host, 443),
        "state": {},
    }
    if request.kind == "websocket":
        extensions: dict[str, object] = {"websocket.http.response": {}}
        return {**scope, "type": "websocket", "scheme": "wss", "subprotocols": [],
                "extensions": extensions}  # fmt: skip
    return {**scope, "type": "http", "scheme": "https", "method": request.method}
