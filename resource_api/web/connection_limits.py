"""What uvicorn's HTTP lacks: no client is waited for without end, and 501 where h11 says so.

It stands on the methods of `asyncio.Protocol`, on the application that a connection is for, and on
the method that writes a refusal.
"""

import asyncio
import re
import sys
from typing import ClassVar, Final

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from resource_api.web.request_limits import MAX_FIELDS, written_refusal

PATIENCE: Final = 15.0
"""Seconds that a client may take for the head of a request, from its connection or from the answer
before it on, and to take in what it was sent. Less than the server's grace."""

PIECE: Final = 4 * 1024
"""Bytes that h11 is given at a time, so that a head too large is refused before it is parsed: that
takes h11 some 5 us a field. Of a body, whose chunks may hold a byte each, h11 gets one piece a turn
of the event loop."""

MAX_PIPELINED: Final = 32 * 1024
"""Bytes that h11 keeps of requests behind the running one."""

MAX_UNREAD: Final = 512 * 1024
"""Bytes of a body that wait for their turn; the applications here refuse bodies far smaller."""

MAX_WAITING: Final = 512
"""Connections without a running request. One more ends those which wait longest, so that silent
clients cannot keep others out."""

TURN: Final = 0.5
"""Seconds that a connection may wait before it can be ended for another one."""

_HEAD_END: Final = re.compile(rb"\n\r?\n")


class PatientHttp(H11Protocol):
    """Ends a connection whose client keeps the server waiting."""

    patience = PATIENCE
    max_waiting = MAX_WAITING
    turn = TURN
    waiting: ClassVar[dict["PatientHttp", None]] = {}
    _deadline: asyncio.TimerHandle | None = None
    _running = _lines = 0
    _tail = b""
    _lost = _paused = _deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # override: uvicorn narrows the transport's type in the same way
        super().connection_made(transport)
        self._unread = bytearray()
        app = self.app

        async def noted(scope: Scope, receive: Receive, send: Send) -> None:
            self._running += 1
            self._go_on()
            try:
                await app(scope, receive, send)
            finally:
                self._running -= 1
                self._go_on()

        self.app = noted
        self._go_on()
        self._make_room()

    def _make_room(self) -> None:
        while len(self.waiting) > self.max_waiting:
            longest = next(iter(self.waiting))
            if not longest._has_had_its_turn():
                return
            del self.waiting[longest]
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        is_first = not self._unread
        self._unread += data
        if is_first:
            self._parse()
        elif len(self._unread) > MAX_UNREAD:
            self.transport.abort()

    def _parse(self) -> None:
        while self._unread and not (self._deaf or self._lost or self.transport.is_closing()):
            if self._is_in_body() and not self._is_asked() and _is_chunked(self.headers):
                # The application has answered without this body, which may go on for ever.
                self._turn_deaf()
                break
            piece = bytes(self._unread[:PIECE])
            del self._unread[:PIECE]
            if self.conn.their_state is h11.IDLE and self._fields_after(piece) > MAX_FIELDS:
                self._refuse(431)
                break
            super().data_received(piece)
            if self.conn.their_state is not h11.IDLE:
                self._lines, self._tail = 0, b""
            if len(self.conn.trailing_data[0]) > MAX_PIPELINED:
                self.transport.abort()
            if self._unread and self._is_in_body():
                self.transport.pause_reading()
                self.loop.call_soon(self._parse)
                return
        self._unread.clear()
        if not (self.flow.read_paused or self._lost or self.transport.is_closing()):
            self.transport.resume_reading()

    def _is_in_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _fields_after(self, piece: bytes) -> int:
        """Return how many lines the head has, as far as it has arrived."""
        text = self._tail + piece
        end = _HEAD_END.search(text)
        head = text[: end.start()] if end else text
        self._lines += head.count(b"\n") - self._tail.count(b"\n")
        self._tail = text[-2:]
        return self._lines

    def pause_writing(self) -> None:
        super().pause_writing()
        self._paused = True
        self._go_on()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._paused = False
        self._go_on()

    def _go_on(self) -> None:
        """Wait for the client, where it is its turn, from now on."""
        self.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        if not self._lost and (self._paused or self._deaf or not self._running):
            self.waiting[self] = None
            self._deadline = self.loop.call_later(self.patience, self.transport.abort)

    def _has_had_its_turn(self) -> bool:
        # In a burst, connections are accepted before what was sent on them is read.
        ends = self._deadline.when() if self._deadline is not None else 0.0
        return self.loop.time() > ends - self.patience + self.turn

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request: a bad head, or a bad body while the application reads it."""
        if self._is_asked() and self.cycle.response_started:
            # The client would take it for a part of that answer.
            self.transport.abort()
            return
        self._refuse(int(getattr(sys.exc_info()[1], "error_status_hint", 400)))

    def _refuse(self, status: int) -> None:
        self.transport.write(written_refusal(status))
        if self._is_asked():
            self.transport.close()
            return
        self._turn_deaf()

    def _turn_deaf(self) -> None:
        # Closing on bytes unread would reset the connection, and the client might not see the
        # answer. So it is told that nothing follows, and what it still sends is dropped.
        self.transport.write_eof()
        self._deaf = True
        self._go_on()

    def _is_asked(self) -> bool:
        """Return whether the application is at a request."""
        # There is none before the first.
        return not getattr(self.cycle, "response_complete", True)


def _is_chunked(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" for name, _ in headers)
