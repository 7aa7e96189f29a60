"""The servers of the matrix: their commands, and what they offer."""

from dataclasses import dataclass

APPLICATION = "tests.matrix.guarded:app"


@dataclass(frozen=True, slots=True)
class Server:
    """A server program.

    Arguments:
        arguments: those after `python -m`; `{port}` stands for the port.
        listening: a part of the line that it prints once it listens.
        workers: further arguments for two worker processes; empty if it has no worker processes.
        preloads: whether it loads the application once, before it forks them.
        lifespan: whether it runs the lifespan of an application.
        denies: whether it lets an application answer a WebSocket handshake with an HTTP response.
            Others answer 403 for an application that closes the WebSocket.
    """

    name: str
    arguments: tuple[str, ...]
    listening: str
    workers: tuple[str, ...]
    preloads: bool = False
    lifespan: bool = True
    denies: bool = True


def _uvicorn(http: str, websockets: str, label: str) -> Server:
    options = ("--host", "127.0.0.1", "--port", "{port}", "--http", http, "--ws", websockets)
    return Server(
        name=f"uvicorn, {http}, {label}",
        arguments=("uvicorn", *options, "--no-access-log", APPLICATION),
        # With workers, it says that it is running before one of them listens.
        listening="Application startup complete",
        workers=("--workers", "2"),
    )


def _gunicorn(name: str, worker: str, *more: str, denies: bool) -> Server:
    options = ("--bind", "127.0.0.1:{port}", "--worker-class", worker, *more)
    return Server(
        name=f"gunicorn, {name}",
        arguments=("gunicorn", *options, APPLICATION),
        listening="Booting worker with pid",
        workers=("--workers", "2", "--preload"),
        preloads=True,
        denies=denies,
    )


SERVERS = (
    _uvicorn("h11", "websockets-sansio", "websockets"),
    _uvicorn("h11", "wsproto", "wsproto"),
    _uvicorn("httptools", "websockets-sansio", "websockets"),
    _uvicorn("httptools", "wsproto", "wsproto"),
    Server(
        name="hypercorn",
        arguments=("hypercorn", "--bind", "127.0.0.1:{port}", "--workers", "0", APPLICATION),
        listening="Running on",
        workers=("--workers", "2"),
    ),
    Server(
        name="granian",
        arguments=(
            *("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"),
            APPLICATION,
        ),
        listening="Started worker-1",
        workers=("--workers", "2"),
    ),
    Server(
        name="daphne",
        arguments=("daphne", "--bind", "127.0.0.1", "--port", "{port}", APPLICATION),
        listening="Listening on TCP address",
        workers=(),
        lifespan=False,
        denies=False,
    ),
    _gunicorn("uvicorn worker", "uvicorn.workers.UvicornWorker", denies=True),
    # It cancels an application three seconds after the client has gone, unless told otherwise.
    _gunicorn("asgi worker", "asgi", "--asgi-disconnect-grace-period", "1", denies=False),
)
