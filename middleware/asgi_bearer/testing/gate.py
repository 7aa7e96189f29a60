"""`Gate`: delays answers, in event loops and in threads, without sleeping."""

import asyncio
import threading
from contextlib import suppress


class Gate:
    """While it is closed, `wait` and `wait_in_thread` do not return."""

    def __init__(self) -> None:
        self._is_open = threading.Event()
        self._is_open.set()
        self._waiting: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def close(self) -> None:
        """Block calls of `wait` and `wait_in_thread` from now on."""
        self._is_open.clear()

    def open(self) -> None:
        """Let blocked and later calls return."""
        self._is_open.set()
        waiting, self._waiting = self._waiting, []
        for loop, event in waiting:
            # The event loop of a request that was given up may be closed.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(event.set)

    def wait_in_thread(self) -> None:
        """Block this thread while the gate is closed."""
        self._is_open.wait()

    async def wait(self) -> None:
        """Wait in the event loop while the gate is closed."""
        if not self._is_open.is_set():
            event = asyncio.Event()
            self._waiting.append((asyncio.get_running_loop(), event))
            await event.wait()
