"""The program of a Python application: uvicorn, uvloop and httptools, until its input ends.

Runs with the interpreter of the library that is measured, so the project's modules that it imports
need only the standard library.
"""

import argparse
import asyncio
import importlib
import json
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from benchmarks.child_process import line_writer

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import ASGIApp


def main() -> None:
    """Serve until the parent closes the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", help="a module of benchmarks.peers")
    parser.add_argument("maker", help="its function that returns the application")
    parser.add_argument("arguments", type=json.loads, help="for that function, a JSON object")
    parsed = parser.parse_args()
    write = line_writer()
    adapter = importlib.import_module(f"benchmarks.peers.{parsed.adapter}")
    app = getattr(adapter, parsed.maker)(**parsed.arguments)
    import uvloop

    uvloop.run(_serve(app, write))


async def _serve(app: "ASGIApp", write: Callable[[object], None]) -> None:
    listening = listening_socket()
    server, serving = await started(app, listening)
    if server.started:
        write({"port": port_of(listening)})
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await ended.wait()
        server.should_exit = True
    await serving


def listening_socket() -> socket.socket:
    """Return a socket that listens on a free port of loopback."""
    return socket.create_server(("127.0.0.1", 0), backlog=1024)


def port_of(listening: socket.socket) -> int:
    """Return its port."""
    port: int = listening.getsockname()[1]
    return port


async def started(
    app: "ASGIApp", listening: socket.socket, **options: Any
) -> tuple["uvicorn.Server", asyncio.Task[None]]:
    """Start uvicorn, and return it when it serves or has failed, with the task that it runs in.

    Arguments:
        options: further settings of uvicorn.
    """
    import uvicorn

    config = uvicorn.Config(app, http="httptools", log_level="warning", access_log=False, **options)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    return server, serving


if __name__ == "__main__":
    main()
