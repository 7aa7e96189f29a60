"""One application under real uvicorn, uvloop and httptools, from its start to the end of the input.

Runs with the interpreter of whatever is measured, so it imports nothing else of this folder but
what needs the standard library alone. The clock is the real one.
"""

import argparse
import asyncio
import importlib
import json
import socket
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.child_process import mouth

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def main() -> None:
    """Serve until nobody holds the other end of the input."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("adapter", help="a module of benchmarks.peers")
    parser.add_argument("maker", help="its function that returns the application")
    parser.add_argument("arguments", type=json.loads, help="for that function, a JSON object")
    given = parser.parse_args()
    say = mouth()
    adapter = importlib.import_module(f"benchmarks.peers.{given.adapter}")
    app = getattr(adapter, given.maker)(**given.arguments)
    import uvloop

    uvloop.run(_serve(app, say))


async def _serve(app: "ASGIApp", say: Callable[[object], None]) -> None:
    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    config = uvicorn.Config(app, http="httptools", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    while not (server.started or serving.done()):  # noqa: ASYNC110 (uvicorn offers no event)
        await asyncio.sleep(0.01)
    if server.started:
        say({"port": listening.getsockname()[1]})
        ended = asyncio.Event()
        asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
        await ended.wait()
        server.should_exit = True
    await serving


if __name__ == "__main__":
    main()
