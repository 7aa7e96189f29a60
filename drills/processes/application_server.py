"""The program of an application: uvicorn, uvloop and httptools, with clocks that can be advanced.

Runs with the interpreter of the library under test, so the project's modules that it imports need
only the standard library.
"""

import argparse
import asyncio
import gc
import importlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.child_process import Json, answer_commands, line_writer, own_memory
from benchmarks.servers.application_process import listening_socket, port_of, started

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
                return own_memory("VmHWM")
            case "cpu_seconds":
                return time.process_time()
            case _:
                return None
        return None

    served = _CancelOnDisconnect(app) if arguments.cancel else app
    # uvicorn raises the signal again after its shutdown; this process must go on to report.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    listening = listening_socket()
    loop = _event_loop()

    async def run() -> None:
        answering = asyncio.create_task(answer_commands(execute, write))
        await _serve(
            served, listening, arguments.lifespan, lambda: write({"ports": [port_of(listening)]})
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


async def _serve(
    app: "ASGIApp", listening: socket.socket, lifespan: str, ready: Callable[[], None]
) -> None:
    # Longer than any pause of a drill: a closed connection would count as a missing response.
    server, serving = await started(app, listening, lifespan=lifespan, timeout_keep_alive=600)
    if server.started:
        ready()
    await serving


def _serve_forked(app: "ASGIApp", token: str, write: Callable[[object], None]) -> None:
    """Verify the token, fork two processes, and serve from both."""
    loop = _event_loop()
    loop.run_until_complete(_verify(app, token))
    loop.close()
    sockets = [listening_socket(), listening_socket()]
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
    write({"ports": [port_of(listening) for listening in sockets]})
    for child in children:
        os.waitpid(child, 0)
    write({})


async def _verify(app: "ASGIApp", token: str) -> None:
    import httpx

    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        status = (await client.get("/contacts", headers=headers)).status_code
    if status != 200:
        sys.exit(f"the token before the fork was answered with {status}")


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


if __name__ == "__main__":
    main()
