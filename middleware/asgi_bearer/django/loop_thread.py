"""A thread with an event loop, for servers that have none (WSGI).

Keys are fetched in an event loop, and a key source belongs to one. Over ASGI that is the server's,
also for code in a thread. Over WSGI one thread of the process runs an event loop, in which the
requests of all threads share keys and fetches. `async_to_sync` would make a new event loop for each
request: then each request would fetch, and no fetch in the background would end.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")


class LoopThread:
    """One thread with an event loop, started when it is first needed, in each process that needs
    it: a thread does not survive a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_hook = False

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the thread, and wait for its result."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        try:
            return future.result()
        finally:
            # If the waiting thread is interrupted (a server that stops), so is the coroutine.
            future.cancel()

    async def run_async(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the thread, from another event loop."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        return await asyncio.wrap_future(future)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=self._loop.run_forever, name="asgi_bearer", daemon=True
                ).start()
                if not self._has_hook:
                    self._has_hook = True
                    os.register_at_fork(after_in_child=self._forget)
            return self._loop

    def _forget(self) -> None:
        # Another thread may have held the lock during the fork.
        self._lock = threading.Lock()
        self._loop = None
