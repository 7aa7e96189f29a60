"""A connection of uvicorn's HTTP protocol without a network: bytes in, bytes out."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

if TYPE_CHECKING:
    from starlette.types import ASGIApp

_OK: Final = b"HTTP/1.1 200"

_REQUEST: Final = (
    b"GET /contacts HTTP/1.1\r\nhost: api.example\r\nuser-agent: client/1.0\r\n"
    b"accept: application/json\r\naccept-encoding: gzip, deflate\r\nconnection: keep-alive\r\n"
    b"authorization: Bearer %b\r\n\r\n"
)


class _Transport(asyncio.Transport):
    """Keeps what the server wrote last."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def get_extra_info(self, name: str, default: object = None) -> object:
        return {"peername": ("127.0.0.1", 50000), "sockname": ("127.0.0.1", 8000)}.get(
            name, default
        )

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return False

    def close(self) -> None:
        return None


class Connection:
    """One connection of a client to an application.

    Arguments:
        loop: the event loop that serves it, while a request is sent.
        app: the application.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, app: "ASGIApp") -> None:
        config = Config(
            app, http="httptools", log_level="warning", access_log=False, lifespan="off"
        )
        config.load()
        self._loop = loop
        self._transport = _Transport()
        self._protocol = HttpToolsProtocol(config, ServerState(), {}, loop)
        self._protocol.connection_made(self._transport)

    def send(self, requests: Sequence[bytes]) -> None:
        """Send requests, each after the response to the one before.

        Raises:
            RuntimeError: a response has another status than 200.
        """
        transport, protocol, loop = self._transport, self._protocol, self._loop
        for request in requests:
            transport.written = b""
            protocol.data_received(request)
            while not transport.written:
                loop.call_soon(loop.stop)
                loop.run_forever()
            if not transport.written.startswith(_OK):
                raise RuntimeError(f"the response is {transport.written!r}")


def request(token: str) -> bytes:
    """Return a request with this access token."""
    return _REQUEST % token.encode()
