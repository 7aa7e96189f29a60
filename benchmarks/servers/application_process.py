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
from typing import TYPE_CHECKING

from benchmarks.child_process import line_writer

if TYPE_CHECKING:
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
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(app, http="httptools", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    if server.started:
        write({"port": listening.getsockname()[1]})
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await ended.wait()
        server.should_exit = True
    await serving


if __name__ == "__main__":
    main()
