"""Serves ASGI applications on sockets until the process receives SIGTERM or SIGINT."""

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
from resource_api.web.head_checks import HeadChecks

GRACE_SECONDS = 20
"""How long running requests may take after the signal. A slow client has less time than this."""

KEEP_ALIVE_SECONDS = 15
"""How long an idle connection stays open: longer than the interval of common health checks."""

MAX_HEAD = 32 * 1024
"""Bytes of the head of a request, and of the framing of its body. The library accepts smaller
tokens than this, so a token that is too large gets the library's refusal."""

MAX_CONNECTIONS = 4096
"""With more open connections than this, uvicorn answers every request with 503."""

BACKLOG = 2048
"""Connections that the system holds until the server accepts them."""


class CannotListen(Exception):
    """The server cannot listen on the address; the message says why."""


class ServerFailed(Exception):
    """An application failed to start; the log says why."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An application, the listening socket that serves it, and its name in the access log."""

    app: ASGIApp
    socket: socket.socket
    name: str = "resource_api"


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket; connections wait until a server accepts them.

    Arguments:
        port: 0 takes any free port.

    Raises:
        CannotListen: the port is in use, or the host is not an address of this machine.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio disables Nagle's algorithm only if the socket names its protocol. With Nagle, each
        # answer on a kept connection waits for the client's delayed acknowledgement.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            # With SO_REUSEADDR, a restart need not wait for old connections to time out. But two
            # sockets can then be bound to one port until one of them listens, so listen at once.
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
        return "this is not a host name"
    in_use = error.errno == errno.EADDRINUSE
    return "the port is in use" if in_use else error.strerror or type(error).__name__


def url(listening: socket.socket) -> str:
    """Return the address of a bound socket as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(listeners: Sequence[Listener], *, started: Callable[[], None]) -> None:
    """Serve all listeners in this event loop until SIGTERM or SIGINT.

    After the first signal, running requests may end; a second signal ends the process at once.

    Arguments:
        started: called when all applications accept requests.

    Raises:
        ServerFailed: an application failed to start; the others were shut down.
    """
    servers = [_Server(_config(listener)) for listener in listeners]

    def end() -> None:
        for server in servers:
            server.force_exit = server.should_exit
            server.should_exit = True

    async def run(server: _Server, listening: socket.socket) -> None:
        try:
            await server.serve(sockets=[listening])
        except SystemExit:
            pass  # uvicorn exits if the application fails to start, and has logged why
        finally:
            server.startup_ended.set()
            if not server.started:
                end()

    with _signals(end):
        async with asyncio.TaskGroup() as running:
            for server, listener in zip(servers, listeners, strict=True):
                running.create_task(run(server, listener.socket))
            for server in servers:
                await server.startup_ended.wait()
            if all(server.started for server in servers):
                started()
    if not all(server.started for server in servers):
        raise ServerFailed("An application failed to start; the log says why.")


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
        self.startup_ended = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.startup_ended.set()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        # uvicorn would install its own handlers, which two servers would take from each other, and
        # would raise the signal again at the end.
        yield


def _config(listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        AccessLog(HeadChecks(listener.app), listener.name),
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
