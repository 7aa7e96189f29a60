"""Times many calls together, because one call is too short to be timed.

Measures processor time, so other processes on the machine are not counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Argument = TypeVar("Argument")


def timed(call: Callable[[Argument], object], arguments: Sequence[Argument]) -> Callable[[], float]:
    """Return a function that makes a call with each argument and returns the seconds per call."""

    def measure() -> float:
        began = time.process_time()
        for argument in arguments:
            call(argument)
        return (time.process_time() - began) / len(arguments)

    return measure


def timed_coroutine(
    runner: asyncio.Runner,
    call: Callable[[Argument], Awaitable[object]],
    arguments: Sequence[Argument],
) -> Callable[[], float]:
    """Return the same for coroutines, which run one after the other in the loop of `runner`."""
    return lambda: runner.run(seconds_per_call(call, arguments))


async def seconds_per_call(
    call: Callable[[Argument], Awaitable[object]], arguments: Sequence[Argument]
) -> float:
    """Make a call with each argument and return the seconds per call."""
    began = time.process_time()
    for argument in arguments:
        await call(argument)
    return (time.process_time() - began) / len(arguments)
