"""Ends a WebSocket or a stream when its access token ends."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, cast

from asgi_bearer.errors import TokenExpired
from asgi_bearer.guard.connection import POLICY_VIOLATION

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_LONGEST_WAIT: Final = 60.0
"""Seconds after which the clock is read again: it may be set, and the machine suspended."""

_BODY: Final = ("http.response.body", "http.response.zerocopysend", "http.response.pathsend")


class ConnectionEnded(OSError):
    """The access token has ended, and with it the connection: nothing more can be sent.

    ASGI servers raise an `OSError` if the client is gone, so frameworks know what it means.
    """


async def run_until_token_ends(
    app: "ASGIApp",
    scope: "Scope",
    receive: "Receive",
    send: "Send",
    *,
    remaining: Callable[[], float],
) -> None:
    """Run `app`; end its WebSocket or its stream when the access token ends.

    A WebSocket is closed with code 1008. The body of a response without `Content-Length` is
    completed where it is. A response with a known length is no stream, and is sent whole. For the
    application it is as if the client had gone: `receive` returns a disconnect, `send` raises an
    `OSError`.

    Arguments:
        remaining: returns the seconds that the token still has.
    """
    connection = _Connection(scope, receive, send, remaining)
    connection.watch()
    try:
        await app(scope, connection.receive, connection.send)
    except Exception as err:
        # A framework may raise an exception of its own because of ours.
        if not _is_due_to_end(err):
            raise
    finally:
        connection.close()


class _Connection:
    """The messages between server and application, until the token ends."""

    def __init__(
        self, scope: "Scope", receive: "Receive", send: "Send", remaining: Callable[[], float]
    ) -> None:
        self._is_websocket = scope["type"] == "websocket"
        self._receive = receive
        self._send = send
        self._remaining = remaining
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._receiving: asyncio.Future[Message] | None = None
        self._reading = asyncio.Lock()
        self._sending = asyncio.Lock()
        self._ended = asyncio.Event()
        self._is_overdue = False
        self._has_length = False
        self._is_open = False
        """Whether the application has begun something that can be ended."""

    def watch(self) -> None:
        """End the connection when the token ends."""
        try:
            seconds = self._remaining()
        except Exception:
            # The application's clock may raise anything; then the token may have ended.
            seconds = 0.0
        loop = asyncio.get_running_loop()
        if seconds > 0:
            self._timer = loop.call_later(min(seconds, _LONGEST_WAIT), self.watch)
        else:
            self._ending = loop.create_task(self._end())

    async def receive(self) -> "Message":
        """Return the next message of the server, or a disconnect after the end."""
        async with self._reading:
            if not self._ended.is_set():
                # It is kept if the application cancels `receive`, or a message would be lost.
                if self._receiving is None:
                    self._receiving = asyncio.ensure_future(self._receive())
                await self._first(self._receiving)
            if not self._ended.is_set() and self._receiving is not None:
                received, self._receiving = self._receiving, None
                return received.result()
        if self._is_websocket:
            reason = TokenExpired.sentence
            return {"type": "websocket.disconnect", "code": POLICY_VIOLATION, "reason": reason}
        return {"type": "http.disconnect"}

    async def send(self, message: "Message") -> None:
        """Pass a message of the application to the server.

        Raises:
            ConnectionEnded: the token has ended.
        """
        async with self._sending:
            if self._ended.is_set():
                raise ConnectionEnded("the access token has ended")
            await self._send(message)
            self._follow(message)
            if self._is_overdue and message["type"] != "http.response.start":
                # A response that begins after the end is sent if it is one message.
                await self._end_what_is_open()

    def close(self) -> None:
        """Stop watching; the application has returned."""
        for pending in (self._timer, self._ending, self._receiving):
            if pending is not None:
                pending.cancel()

    async def _first(self, received: "asyncio.Future[Message]") -> None:
        """Wait for a message or for the end of the token."""
        ended = asyncio.ensure_future(self._ended.wait())
        waiting: set[asyncio.Future[Any]] = {received, ended}
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()

    def _follow(self, message: "Message") -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._has_length = any(
                name.lower() == b"content-length" for name, _ in message.get("headers", ())
            )
            self._is_open = not self._has_length
        elif kind in _BODY:
            self._is_open = not self._has_length and message.get("more_body", False)
        elif kind == "websocket.accept":
            self._is_open = True
        elif kind == "websocket.close":
            self._is_open = False

    async def _end(self) -> None:
        async with self._sending:
            self._is_overdue = True
            await self._end_what_is_open()

    async def _end_what_is_open(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        try:
            if self._is_websocket:
                reason = TokenExpired.sentence
                await self._send(
                    {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason}
                )
            else:
                await self._send({"type": "http.response.body", "body": b"", "more_body": False})
        except (OSError, RuntimeError):
            # The client has gone: servers raise either.
            pass
        finally:
            self._ended.set()


def _is_due_to_end(err: BaseException | None) -> bool:
    """Return whether an exception, or what led to it, is a `ConnectionEnded`."""
    while err is not None and not isinstance(err, ConnectionEnded):
        if isinstance(err, BaseExceptionGroup):
            group = cast("BaseExceptionGroup[BaseException]", err)
            return all(map(_is_due_to_end, group.exceptions))
        err = err.__cause__ or err.__context__
    return err is not None
