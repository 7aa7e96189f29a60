"""The program of an application: uvicorn, uvloop and httptools, with clocks that can be advanced.

Runs with the interpreter of the library under test, so the project's modules that it imports need
only the standard library.
"""

import argparse
import asyncio
import gc
import importlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.child_process import Json, answer_commands, line_writer

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", help="a module of benchmarks.peers")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--jwks-uri", help="default: discovered from the issuer's metadata")
    parser.add_argument("--lifespan", choices=["on", "off"], default="on")
    parser.add_argument(
        "--cancel", action="store_true", help="cancel a request when its client disconnects"
    )
    parser.add_argument(
        "--fork", metavar="TOKEN", help="verify TOKEN, then serve from two forked processes"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM."""
    arguments = _arguments()
    advance = _install_clocks()
    write = line_writer()
    adapter = importlib.import_module(f"benchmarks.peers.{arguments.adapter}")
    app = adapter.make_app(
        issuer=arguments.issuer, audience=arguments.audience, jwks_uri=arguments.jwks_uri
    )
    if arguments.fork is not None:
        _serve_forked(app, arguments.fork, write)
        return

    async def execute(command: Json) -> Any:
        match command["do"]:
            case "advance":
                advance(command["seconds"])
            case "status" if hasattr(adapter, "status"):
                return adapter.status(app)
            case "peak_bytes":
                return _peak_bytes()
            case "cpu_seconds":
                return time.process_time()
            case _:
                return None
        return None

    served = _CancelOnDisconnect(app) if arguments.cancel else app
    # uvicorn raises the signal again after its shutdown; this process must go on to report.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listening = _socket()
    loop = _event_loop()

    async def run() -> None:
        answering = asyncio.create_task(answer_commands(execute, write))
        await _serve(
            served, listening, arguments.lifespan, lambda: write({"ports": [_port(listening)]})
        )
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
        this = asyncio.current_task()
        left = [str(task.get_coro()) for task in asyncio.all_tasks() if task is not this]
        write({"left": left})

    loop.run_until_complete(run())
    loop.close()
    # asyncio now logs each task whose exception was never retrieved.
    gc.collect()


def _install_clocks() -> Callable[[float], None]:
    """Replace `time.time` and `time.monotonic`; return a function that advances both by seconds.

    A module that imports them later gets the new ones. The event loop of uvloop keeps its own
    clock, so timeouts and delays take real time.
    """
    shift = 0.0
    wall, monotonic = time.time, time.monotonic

    def advance(seconds: float) -> None:
        nonlocal shift
        shift += seconds

    time.time = lambda: wall() + shift
    time.monotonic = lambda: monotonic() + shift
    return advance


def _event_loop() -> asyncio.AbstractEventLoop:
    import uvloop

    return uvloop.new_event_loop()


def _socket() -> socket.socket:
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", 0))
    listening.listen(1024)
    return listening


def _port(listening: socket.socket) -> int:
    port: int = listening.getsockname()[1]
    return port


async def _serve(
    app: "ASGIApp", listening: socket.socket, lifespan: Any, ready: Callable[[], None]
) -> None:
    import uvicorn

    config = uvicorn.Config(
        app,
        lifespan=lifespan,
        http="httptools",
        log_level="warning",
        access_log=False,
        # Longer than any pause of a drill: a closed connection would count as a missing response.
        timeout_keep_alive=600,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving


def _serve_forked(app: "ASGIApp", token: str, write: Callable[[object], None]) -> None:
    """Verify the token, fork two processes, and serve from both."""
    loop = _event_loop()
    loop.run_until_complete(_verify(app, token))
    loop.close()
    sockets = [_socket(), _socket()]
    children: list[int] = []
    for listening in sockets:
        child = os.fork()
        if child == 0:
            loop = _event_loop()
            loop.run_until_complete(_serve(app, listening, "on", lambda: None))
            os._exit(0)
        children.append(child)

    def end(*_: object) -> None:
        for child in children:
            os.kill(child, signal.SIGTERM)

    signal.signal(signal.SIGTERM, end)
    write({"ports": [_port(listening) for listening in sockets]})
    for child in children:
        os.waitpid(child, 0)
    write({})


async def _verify(app: "ASGIApp", token: str) -> None:
    async def receive() -> "Message":
        return {"type": "http.request"}

    async def send(message: "Message") -> None:
        if message.get("status", 200) != 200:
            sys.exit(f"the token before the fork was answered with {message['status']}")

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/contacts",
        "raw_path": b"/contacts",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"test"), (b"authorization", b"Bearer " + token.encode())],
    }
    await app(scope, receive, send)


class _CancelOnDisconnect:
    """Cancels a request when its client disconnects; uvicorn leaves that to the application."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The requests of the drill have no body, so the second message is the disconnect.
        first = await receive()

        async def replayed() -> "Message":
            return first

        responding = asyncio.ensure_future(self._app(scope, replayed, send))
        disconnect = asyncio.ensure_future(receive())
        await asyncio.wait((responding, disconnect), return_when=asyncio.FIRST_COMPLETED)
        for task in (responding, disconnect):
            task.cancel()
        await asyncio.gather(responding, disconnect, return_exceptions=True)


def _peak_bytes() -> int:
    """Return the peak memory of this process."""
    with suppress(OSError):
        # On Linux getrusage also counts the memory of the parent at the fork.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
