"""A clock that can be moved, so that nobody waits ten minutes for keys to expire.

Whoever imports `time.time` or `time.monotonic` after `install` has the moved one; the event loop
of uvloop keeps its own, so that timeouts and delays take as long as they do.
"""

import time
from collections.abc import Callable


def install() -> Callable[[float], None]:
    """Replace the clocks of this process and return what moves them, by seconds."""
    shift = 0.0
    wall, monotonic = time.time, time.monotonic

    def advance(seconds: float) -> None:
        nonlocal shift
        shift += seconds

    time.time = lambda: wall() + shift
    time.monotonic = lambda: monotonic() + shift
    return advance
