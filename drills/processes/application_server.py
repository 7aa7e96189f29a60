"""One application under real uvicorn, uvloop and httptools, in a process with a movable clock.

Runs with the interpreter of whatever is under test, so it imports nothing else of this folder
but what needs the standard library alone.
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

from benchmarks.child_process import Json, commands, mouth
from drills import clock

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", help="a module of benchmarks.peers")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--audience", required=True)
    parser.add_argument("--jwks-uri", help="left out: discovered from the issuer")
    parser.add_argument("--lifespan", choices=["on", "off"], default="on")
    parser.add_argument(
        "--cancel", action="store_true", help="cancel a request whose client has gone"
    )
    parser.add_argument(
        "--fork", metavar="TOKEN", help="judge TOKEN, then serve from two forked processes"
    )
    return parser.parse_args()


def main() -> None:
    """Serve until SIGTERM."""
    arguments = _arguments()
    advance = clock.install()
    say = mouth()
    adapter = importlib.import_module(f"benchmarks.peers.{arguments.adapter}")
    app = adapter.make_app(
        issuer=arguments.issuer, audience=arguments.audience, jwks_uri=arguments.jwks_uri
    )
    if arguments.fork is not None:
        _serve_forked(app, arguments.fork, say)
        return

    async def obey(command: Json) -> Any:
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
    # uvicorn raises the signal anew when it has shut down; the event loop is to end in order.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listening = _socket()
    loop = _event_loop()

    async def run() -> None:
        obeying = asyncio.create_task(commands(obey, say))
        await _serve(
            served, listening, arguments.lifespan, lambda: say({"ports": [_port(listening)]})
        )
        obeying.cancel()
        await asyncio.gather(obeying, return_exceptions=True)
        ours = asyncio.current_task()
        left = [str(task.get_coro()) for task in asyncio.all_tasks() if task is not ours]
        say({"left": left})

    loop.run_until_complete(run())
    loop.close()
    # Now asyncio complains about each task that nobody has looked after.
    gc.collect()


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
        # Longer than any pause of a drill: a connection that ends is an answer that is missing.
        timeout_keep_alive=600,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    if server.started:
        ready()
    await serving


def _serve_forked(app: "ASGIApp", token: str, say: Callable[[object], None]) -> None:
    """Serve from two processes that were forked after the keys had been used."""
    loop = _event_loop()
    loop.run_until_complete(_judge(app, token))
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
    say({"ports": [_port(listening) for listening in sockets]})
    for child in children:
        os.waitpid(child, 0)
    say({})


async def _judge(app: "ASGIApp", token: str) -> None:
    async def receive() -> "Message":
        return {"type": "http.request"}

    async def send(message: "Message") -> None:
        if message.get("status", 200) != 200:
            sys.exit(f"before the fork: status {message['status']}")

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
    """Cancels a request whose client has gone, which uvicorn leaves to the application."""

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The requests of the drill have no body: what comes next is that the client has gone.
        first = await receive()

        async def replayed() -> "Message":
            return first

        answering = asyncio.ensure_future(self._app(scope, replayed, send))
        leaving = asyncio.ensure_future(receive())
        await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        for task in (answering, leaving):
            task.cancel()
        await asyncio.gather(answering, leaving, return_exceptions=True)


def _peak_bytes() -> int:
    """Return the most memory that this process ever had."""
    with suppress(OSError):
        # On Linux getrusage counts what the parent had when it forked, too.
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main()
