"""HTTP on a connection: uvicorn's, with the bounds that it lacks.

Every wait for the client ends, and everything that it sends is bounded. What was asked completely
is answered, whatever comes behind it; and what is no part of a head never counts as one.
"""

import asyncio
from collections import deque
from typing import Final

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from resource_api.deadline import Deadline
from resource_api.problems import problem_response

MAX_HEAD: Final = 128 * 1024
"""Bytes of a request besides its body: request line and header fields, and likewise the framing of
chunks and the trailers. Well above what the library takes for a token, so that it is the library
that refuses one too large."""

PATIENCE: Final = 15.0
"""Seconds that a client may take for the head of a request, from its connection on for the
first; for the rest of a body after the answer to it; and to take in what it was sent. Less than
the server's grace, so that no client makes it end in haste."""

MAX_CONNECTIONS: Final = 4096
"""Each costs some 50 KiB."""

CHUNK_OF_ONE: Final = 6
"""Bytes of the smallest chunk. Framing is not counted where it is no more than this for every byte
of the body; chunk extensions can be."""


class BoundedHttp(HttpToolsProtocol):
    """Ends what is too large, too slow or too much, and answers what is no HTTP as a problem."""

    max_connections = MAX_CONNECTIONS
    patience = PATIENCE

    parser: HttpRequestParser  # None only when the connection is lost, and nothing comes in
    _due: deque[RequestResponseCycle]  # whose answers are not complete, the oldest first
    _arrival: Deadline
    _departure: Deadline
    _deaf = False  # nothing that still comes in is listened to
    _in_head = True
    _overhead = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # override: uvicorn narrows the transport's type in the same way
        super().connection_made(transport)
        self._due = deque()
        self._arrival = Deadline(self.loop, self.patience, self._lose_patience)
        self._departure = Deadline(self.loop, self.patience, self.transport.abort)
        # Writing is to count as paused as soon as the client does not take everything. With the
        # usual limit it could leave the last 64 KiB unread for ever, even of a closed connection.
        self.transport.set_write_buffer_limits(high=0)
        if len(self.connections) > self.max_connections:
            self.transport.close()
        else:
            self._arrival.start()

    def connection_lost(self, exc: Exception | None) -> None:
        self._arrival.stop()
        self._departure.stop()
        for cycle in self._due:  # uvicorn tells only the newest one
            _disconnect(cycle)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        self._overhead += len(data)
        if self._in_head:
            self._arrival.start()
        super().data_received(data)
        if self._overhead > MAX_HEAD and not self._deaf:
            self._refuse(431, "The request is too large, even without its body.")

    def eof_received(self) -> bool:  # type: ignore[override]
        # override: uvicorn never keeps the connection; a client that has said all wants its answer
        whole = self._newest_whole()
        if whole is not None:
            self._end_after(whole)
        return whole is not None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._departure.start()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._departure.stop()

    def on_header(self, name: bytes, value: bytes) -> None:
        # The parser calls this for trailers too. An Authorization there is none: whoever stands in
        # front of this server has not seen it (RFC 9110 §6.5.1).
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            # RFC 9112 §3.2. The parser passes this on as an error of its own.
            raise ValueError("not exactly one Host")
        upgrade = self.parser.should_upgrade()
        if upgrade and any(map(_announces_body, self.headers)):
            # The parser would skip the body, and take it for the next request: smuggling.
            raise ValueError("an upgrade with a body")
        super().on_headers_complete()
        self._due.append(self.cycle)
        self._in_head = False
        self._arrival.stop()
        if upgrade:
            # The parser loses what follows in the same segment.
            self._end_after(self.cycle)

    def on_body(self, body: bytes) -> None:
        self._overhead = max(0, self._overhead - CHUNK_OF_ONE * len(body))
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._in_head = True
        self._overhead = 0
        self._arrival.stop()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._due.popleft()
        super().on_response_complete()
        if not self._in_head:
            self._arrival.start()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not a valid HTTP request.")

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: any client could fill the log, and the request is answered without upgrade."""

    def _lose_patience(self) -> None:
        if self._deaf or self.transport.is_closing():
            self.transport.close()
        else:
            self._refuse(408, "The request did not arrive in time.")

    def _newest_whole(self) -> RequestResponseCycle | None:
        """The last of the requests that came completely and whose answers are due."""
        whole = [cycle for cycle in self._due if self._in_head or cycle is not self.cycle]
        return whole[-1] if whole else None

    def _end_after(self, cycle: RequestResponseCycle) -> None:
        self._deaf = True
        self._arrival.stop()
        cycle.keep_alive = False

    def _refuse(self, status: int, detail: str) -> None:
        whole = self._newest_whole()
        if whole is not None:
            # It may be carried out already, and the refusal would be taken for its answer.
            self._end_after(whole)
            return
        self._deaf = True
        if not self._in_head:
            if self.cycle.response_started:
                self.transport.close()
                return
            # The application is still reading the body; it shall not answer after the refusal.
            _disconnect(self.cycle)
        self.transport.write(self._problem(status, detail))
        # Closing on bytes unread would reset the connection, and the client might not see the
        # answer. So it is told that nothing follows, and what it still sends is dropped.
        self.transport.write_eof()
        self._arrival.stop()
        self._arrival.start()

    def _problem(self, status: int, detail: str) -> bytes:
        response = problem_response(status, detail)
        fields = [
            *self.server_state.default_headers,
            *response.raw_headers,
            (b"connection", b"close"),
        ]
        head = b"".join(b"%s: %s\r\n" % field for field in fields)
        return STATUS_LINE[status] + head + b"\r\n" + bytes(response.body)


def _announces_body(field: tuple[bytes, bytes]) -> bool:
    name, value = field
    return name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0") != b"")


def _disconnect(cycle: RequestResponseCycle) -> None:
    cycle.disconnected = True
    cycle.message_event.set()
