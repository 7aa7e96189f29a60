"""What uvicorn's HTTP lacks: no client is waited for without end, and 501 where h11 says so.

It stands on the methods of `asyncio.Protocol`, on the application that a connection is for, and on
the method that writes a refusal.
"""

import asyncio
import sys
from itertools import islice
from typing import ClassVar, Final

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from resource_api.http_bounds import MAX_FIELDS, written_refusal

PATIENCE: Final = 15.0
"""Seconds that a client may take for the head of a request, from its connection or from the answer
before it on, and to take in what it was sent. Less than the server's grace."""

PIECE: Final = 16 * 1024
MAX_PIPELINED: Final = 32 * 1024
"""Bytes that h11 is given at a time, and that it keeps of requests behind the running one."""

MAX_WAITING: Final = 512
"""Connections without a running request. One more ends those which wait longest, so that silent
clients cannot keep others out."""

TURN: Final = 1.0
"""Seconds that a connection may wait before it can be ended for another one."""


class PatientHttp(H11Protocol):
    """Ends a connection whose client keeps the server waiting."""

    patience = PATIENCE
    max_waiting = MAX_WAITING
    turn = TURN
    waiting: ClassVar[dict["PatientHttp", None]] = {}
    _deadline: asyncio.TimerHandle | None = None
    _running = _lines = 0
    _lost = _paused = _deaf = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # override: uvicorn narrows the transport's type in the same way
        super().connection_made(transport)
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
        for longest in tuple(islice(self.waiting, max(0, len(self.waiting) - self.max_waiting))):
            if longest._has_had_its_turn():
                longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # In pieces, so that a head too large is refused before it is parsed: that takes h11 some
        # 5 us for each field, however short.
        for start in range(0, len(data), PIECE):
            piece = data[start : start + PIECE]
            if self.conn.their_state is h11.IDLE:
                self._lines += piece.partition(b"\r\n\r\n")[0].count(b"\n")
            if self._lines > MAX_FIELDS:
                self._refuse(431)
            if self._deaf or self.transport.is_closing():
                return
            super().data_received(piece)
            if self.conn.their_state is not h11.IDLE:
                self._lines = 0
        if len(self.conn.trailing_data[0]) > MAX_PIPELINED:
            self.transport.abort()

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
        # Closing on bytes unread would reset the connection, and the client might not see the
        # answer. So it is told that nothing follows, and what it still sends is dropped.
        self.transport.write_eof()
        self._deaf = True
        self._go_on()

    def _is_asked(self) -> bool:
        """Return whether the application is at a request."""
        # There is none before the first.
        return not getattr(self.cycle, "response_complete", True)
