"""HTTP on a connection: uvicorn's, with the bounds that it lacks.

Without them one connection could send header fields for ever, or send nothing for ever.
"""

import asyncio
import json
from http import HTTPStatus
from typing import Final, cast

from httptools import HttpRequestParser
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MAX_HEAD: Final = 128 * 1024
"""Bytes of request line and header fields together; well above what the library takes for a
token, so that it is the library that refuses one too large."""

PATIENCE: Final = 15.0
"""Seconds that a client may take for the head of a request, from its connection on for the
first; and for the rest of a body after the answer to it."""

MAX_CONNECTIONS: Final = 4096
"""Each costs some 50 KiB."""


class BoundedHttp(HttpToolsProtocol):
    """Ends what is too large, too slow or too much, and answers what is no HTTP as a problem."""

    max_connections = MAX_CONNECTIONS
    patience = PATIENCE

    parser: HttpRequestParser  # None only when the connection is lost, and nothing comes in
    _refused = False
    _in_head = True
    _head_size = 0
    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        # override: uvicorn narrows the transport's type in the same way
        super().connection_made(transport)
        if len(self.connections) > self.max_connections:
            self.transport.close()
        else:
            self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._in_head:
            self._head_size += len(data)
            self._set_deadline()
        super().data_received(data)
        if self._in_head and self._head_size > MAX_HEAD and not self._refused:
            self._refuse(431, "The head of the request is too large.")

    def on_headers_complete(self) -> None:
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            # RFC 9112 §3.2. The parser passes this on as an error of its own.
            raise ValueError("not exactly one Host")
        super().on_headers_complete()
        self._in_head = False
        self._cancel_deadline()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_size = 0
        self._cancel_deadline()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self._in_head:
            self._set_deadline()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "This is not a valid HTTP request.")

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self.patience, self._lose_patience)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _lose_patience(self) -> None:
        self._deadline = None
        if self._refused:
            self.transport.close()
        elif not self.transport.is_closing():
            self._refuse(408, "The request did not arrive in time.")

    def _refuse(self, status: int, detail: str) -> None:
        self._refused = True
        if self._is_being_answered():
            self.transport.close()
            return
        self.transport.write(self._problem(HTTPStatus(status), detail))
        # Closing on bytes unread would reset the connection, and the client might not see the
        # answer. So it is told that nothing follows, and what it still sends is dropped.
        self.transport.write_eof()
        self._cancel_deadline()
        self._set_deadline()

    def _is_being_answered(self) -> bool:
        """Whether a refusal would garble an answer, or be a second one to the same request."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # none before the first request
        if cycle is None or (cycle.response_complete and self._in_head):
            return False
        if cycle.response_started or self.pipeline:
            return True
        # The application is still reading the body; it shall not answer after the refusal.
        cycle.disconnected = True
        cycle.message_event.set()
        return False

    def _problem(self, status: HTTPStatus, detail: str) -> bytes:
        body = json.dumps(
            {
                "type": "about:blank",
                "title": status.phrase,
                "status": status.value,
                "detail": detail,
            }
        ).encode("ascii")
        fields = [
            *self.server_state.default_headers,
            (b"content-type", b"application/problem+json"),
            (b"cache-control", b"no-store"),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        head = [
            b"HTTP/1.1 %d %s" % (status.value, status.phrase.encode("ascii")),
            *(b"%s: %s" % field for field in fields),
        ]
        return b"\r\n".join([*head, b"", body])
