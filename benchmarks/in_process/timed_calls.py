"""Blocks of calls: long enough to be timed, short enough that a round passes quickly.

Seconds are those of the processor: what a neighbour takes of it is not counted.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

Given = TypeVar("Given")


def plain(judge: Callable[[Given], object], given: Sequence[Given]) -> Callable[[], float]:
    """Return what calls `judge` with each of `given`, and returns the seconds of one call."""

    def block() -> float:
        began = time.process_time()
        for one in given:
            judge(one)
        return (time.process_time() - began) / len(given)

    return block


def driven(
    runner: asyncio.Runner, judge: Callable[[Given], Awaitable[object]], given: Sequence[Given]
) -> Callable[[], float]:
    """Return the same for coroutines, each driven to its end in the running loop of `runner`."""
    return lambda: runner.run(seconds(judge, given))


async def seconds(judge: Callable[[Given], Awaitable[object]], given: Sequence[Given]) -> float:
    """Return the seconds that one of these calls took."""
    began = time.process_time()
    for one in given:
        await judge(one)
    return (time.process_time() - began) / len(given)
