"""Limits for each HTTP connection, on top of uvicorn's HTTP/1.1 protocol.

uvicorn waits for a slow client without end, and gives h11 as many bytes as arrive. Here a client
has a deadline, the server keeps few connections that wait for their client, and h11 gets small
pieces. A transfer coding that h11 does not know gets the status that h11 suggests: 501.

The class overrides methods of `asyncio.Protocol`, wraps the application of a connection, and
overrides the method of uvicorn that answers an invalid request.
"""

import asyncio
import re
import sys
from typing import ClassVar, Final

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from resource_api.web.head_checks import MAX_FIELDS, refusal_bytes

CLIENT_SECONDS: Final = 15.0
"""How long a client may take to send the head of a request, and to read an answer. The time for a
head begins with the connection or with the answer before it. It is shorter than the time that a
shutdown gives to running requests."""

PIECE_BYTES: Final = 4 * 1024
"""How much h11 parses at once. h11 needs some 5 us for each header field, so a head that is too
large is refused before it is parsed. A chunk of a body can hold a single byte, so h11 gets one
piece of a body in each turn of the event loop."""

MAX_PIPELINED: Final = 32 * 1024
"""Bytes that h11 keeps of the requests behind the running one."""

MAX_UNPARSED: Final = 512 * 1024
"""Bytes that wait to be parsed. The applications here refuse far smaller bodies."""

MAX_WAITING: Final = 512
"""Connections that wait for their client. One more ends the connection that waits longest, so that
silent clients cannot keep other clients out."""

MIN_WAITING_SECONDS: Final = 0.5
"""How long a connection waits before it can be ended in favour of another one."""

_HEAD_END: Final = re.compile(rb"\n\r?\n")


class _HeadLines:
    """Counts the lines of a request's head while it arrives."""

    def __init__(self) -> None:
        self._count = 0
        self._tail = b""

    def add(self, piece: bytes) -> int:
        """Return how many lines have arrived, this piece included."""
        text = self._tail + piece
        end = _HEAD_END.search(text)
        head = text[: end.start()] if end else text
        self._count += head.count(b"\n") - self._tail.count(b"\n")
        self._tail = text[-2:]
        return self._count


class LimitedHttp(H11Protocol):
    """uvicorn's HTTP/1.1 protocol that ends connections which keep the server waiting."""

    client_seconds = CLIENT_SECONDS
    max_waiting = MAX_WAITING
    min_waiting_seconds = MIN_WAITING_SECONDS
    waiting: ClassVar[dict["LimitedHttp", None]] = {}
    """The connections that wait for their client, the longest wait first."""

    _deadline: asyncio.TimerHandle | None = None
    _running_requests = 0
    _is_lost = False
    _is_writing_paused = False
    _discards_input = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # override: uvicorn narrows the transport's type in the same way
        super().connection_made(transport)
        self._unparsed = bytearray()
        self._head_lines = _HeadLines()
        app = self.app

        async def counting(scope: Scope, receive: Receive, send: Send) -> None:
            self._running_requests += 1
            self._restart_deadline()
            try:
                await app(scope, receive, send)
            finally:
                self._running_requests -= 1
                self._restart_deadline()

        self.app = counting
        self._restart_deadline()
        self._end_longest_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        self._is_lost = True
        self._restart_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._discards_input:
            return
        is_parsing = bool(self._unparsed)
        self._unparsed += data
        if not is_parsing:
            self._parse()
        elif len(self._unparsed) > MAX_UNPARSED:
            self.transport.abort()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_writing_paused = True
        self._restart_deadline()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._is_writing_paused = False
        self._restart_deadline()

    def send_400_response(self, msg: str) -> None:
        """Answer an invalid head, or an invalid body that the application is reading."""
        if self._is_request_running() and self.cycle.response_started:
            # The client would take the refusal for a part of the answer that has begun.
            self.transport.abort()
            return
        self._refuse(int(getattr(sys.exc_info()[1], "error_status_hint", 400)))

    def _parse(self) -> None:
        """Give h11 what has arrived, piece by piece."""
        while self._unparsed and not self._discards_input and not self._is_closed():
            if self._is_in_body() and not self._is_request_running() and _is_chunked(self.headers):
                # The application has answered without reading this body, which may never end.
                self._discard_input()
                break
            piece = bytes(self._unparsed[:PIECE_BYTES])
            del self._unparsed[:PIECE_BYTES]
            if self.conn.their_state is h11.IDLE and self._head_lines.add(piece) > MAX_FIELDS:
                self._refuse(431)
                break
            super().data_received(piece)
            if self.conn.their_state is not h11.IDLE:
                self._head_lines = _HeadLines()
            if len(self.conn.trailing_data[0]) > MAX_PIPELINED:
                self.transport.abort()
            if self._unparsed and self._is_in_body():
                self.transport.pause_reading()
                self.loop.call_soon(self._parse)
                return
        self._unparsed.clear()
        if not self.flow.read_paused and not self._is_closed():
            self.transport.resume_reading()

    def _restart_deadline(self) -> None:
        """Give the client its full time from now on, if the connection waits for it."""
        self.waiting.pop(self, None)
        if self._deadline is not None:
            self._deadline.cancel()
        waits = self._is_writing_paused or self._discards_input or not self._running_requests
        if waits and not self._is_lost:
            self.waiting[self] = None
            self._deadline = self.loop.call_later(self.client_seconds, self.transport.abort)

    def _end_longest_waiting(self) -> None:
        while len(self.waiting) > self.max_waiting:
            longest = next(iter(self.waiting))
            if not longest._has_waited_enough():
                return
            del self.waiting[longest]
            longest.transport.abort()

    def _has_waited_enough(self) -> bool:
        # In a burst, the event loop accepts connections before it reads what was sent on them.
        ends = self._deadline.when() if self._deadline is not None else 0.0
        return self.loop.time() > ends - self.client_seconds + self.min_waiting_seconds

    def _refuse(self, status: int) -> None:
        self.transport.write(refusal_bytes(status))
        if self._is_request_running():
            self.transport.close()
            return
        self._discard_input()

    def _discard_input(self) -> None:
        # To close with unread bytes would reset the connection, and the client might not see the
        # answer. So the server ends only its own side, and drops what the client still sends.
        self.transport.write_eof()
        self._discards_input = True
        self._restart_deadline()

    def _is_closed(self) -> bool:
        return self._is_lost or self.transport.is_closing()

    def _is_in_body(self) -> bool:
        return self.conn.their_state is h11.SEND_BODY

    def _is_request_running(self) -> bool:
        # uvicorn has no cycle before the first request.
        return not getattr(self.cycle, "response_complete", True)


def _is_chunked(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(name == b"transfer-encoding" for name, _ in headers)
