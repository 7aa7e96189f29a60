"""What every application of the matrix does; its framework only routes to it.

The process that runs the checks reads what `report` prints.
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from tests.matrix.variables import START_FAILS

STARTED = "the application has started"
STOPPED = "the application has stopped"
KEYS_FETCHED = "the keys were fetched while the application was loaded"
STREAM_ENDED = "the long stream was ended"
STREAM_WENT_ON = "the long stream went on to its end"

FIRST = b"first part\n"
SECOND = b"second part\n"

_TICKS = 100
_TICK = 0.02

released = asyncio.Event()
"""Set when the client has asked for the second part of the stream."""


def report(event: str) -> None:
    """Tell the process that runs the checks what has happened."""
    print(event, flush=True)


def start() -> None:
    """Report the start of the application, or fail."""
    if START_FAILS in os.environ:
        raise RuntimeError("the environment asks for a start that fails")
    report(STARTED)


def stop() -> None:
    """Report the end of the application."""
    report(STOPPED)


@asynccontextmanager
async def lifespan(_app: object = None) -> AsyncGenerator[None]:
    """Start and stop the application."""
    start()
    yield
    stop()


async def two_parts() -> AsyncGenerator[bytes]:
    """Return the first part of a stream; the second one when the client has asked for it."""
    yield FIRST
    await released.wait()
    released.clear()
    yield SECOND


async def endless() -> AsyncGenerator[bytes]:
    """Return a stream that is ended when its client has gone, or ends after two seconds."""
    try:
        for _ in range(_TICKS):
            yield FIRST
            await asyncio.sleep(_TICK)
    except (GeneratorExit, asyncio.CancelledError):
        report(STREAM_ENDED)
        raise
    report(STREAM_WENT_ON)


def fault() -> None:
    """Fail as an endpoint with a defect does."""
    raise RuntimeError("the endpoint has a defect on purpose")
