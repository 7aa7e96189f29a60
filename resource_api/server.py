"""Running ASGI applications on sockets, until a signal asks to end."""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from resource_api.web.access_log import AccessLog
from resource_api.web.connection_limits import LimitedHttp
from resource_api.web.request_limits import RequestLimits

GRACE_SECONDS = 20
"""How long running requests may take to end after the signal; more than a client may take."""

KEEP_ALIVE_SECONDS = 15
"""How long an idle connection stays open; longer than the idle times of common proxies' checks."""

MAX_HEAD = 32 * 1024
"""Bytes of the head of a request, and of the framing of its body. Well above what the library takes
for a token, so that it is the library that refuses one too large."""

MAX_CONNECTIONS = 4096
"""Connections; to one more each request is answered with 503."""

BACKLOG = 2048
"""Connections that wait to be accepted."""


class CannotListen(Exception):
    """The address is not to be had; the message says why."""


class ServerFailed(Exception):
    """An application did not start; the log says why."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application, and the bound socket that it is served on."""

    app: ASGIApp
    socket: socket.socket


def bind(host: str, port: int) -> socket.socket:
    """A socket on the address, on which nobody is heard yet; port 0 takes any free one.

    Raises:
        CannotListen: the port is taken, or the address is not this machine's.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio switches Nagle's algorithm off only where the protocol is named; with it, each
        # answer on a connection that is kept waits for the client's delayed acknowledgement.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            # Listening at once, because two sockets can be bound to one port until then.
            # A restart must not wait for the connections of the process before it to fade.
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except (OSError, UnicodeError) as error:
        raise CannotListen(f"Cannot listen on {host} port {port}: {_reason(error)}.") from error
    return listening


def _reason(error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return "this is no host name"
    in_use = error.errno == errno.EADDRINUSE
    return "the port is in use" if in_use else error.strerror or type(error).__name__


def url(listening: socket.socket) -> str:
    """The address of a bound socket as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(listeners: Sequence[Listener], *, started: Callable[[], None]) -> None:
    """Serves all of them in this event loop until SIGTERM or SIGINT; then lets requests end.

    A second signal ends at once. `started` is called when all of them answer.

    Raises:
        ServerFailed: one of them did not start; the others are ended in order.
    """
    servers = [_Server(_config(listener.app)) for listener in listeners]

    def end() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    async def run(server: _Server, listening: socket.socket) -> None:
        try:
            await server.serve(sockets=[listening])
        except SystemExit:
            pass  # how uvicorn says that the application did not start; it has logged why
        finally:
            server.came_up.set()
            if not server.started:
                end()

    with _signals(end):
        async with asyncio.TaskGroup() as running:
            for server, listener in zip(servers, listeners, strict=True):
                running.create_task(run(server, listener.socket))
            for server in servers:
                await server.came_up.wait()
            if all(server.started for server in servers):
                started()
    if not all(server.started for server in servers):
        raise ServerFailed("An application did not start; see the log.")


@contextmanager
def _signals(end: Callable[[], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, end)
    try:
        yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.came_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.came_up.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn would raise the signal again afterwards, and two servers would take it from
        # each other.
        yield


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        AccessLog(RequestLimits(app)),
        http=LimitedHttp,
        h11_max_incomplete_event_size=MAX_HEAD,
        limit_concurrency=MAX_CONNECTIONS,
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
