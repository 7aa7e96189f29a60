"""One fetch at a time, which belongs to none of those who wait for it."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.jwk import KeySet

Fetching = Callable[[], Coroutine[Any, Any, KeySet]]


class SingleFlight:
    """Runs a fetch as a task of its own.

    A caller that is cancelled stops waiting and cancels nothing: the others still get the keys.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[KeySet] | None = None

    @property
    def under_way(self) -> bool:
        """Whether a fetch is under way; from any thread."""
        task = self._task
        # A task of a loop that is gone would never end (tests, servers that fork).
        return task is not None and not task.done() and task.get_loop().is_running()

    @property
    def running(self) -> bool:
        """Whether a fetch is under way in the running event loop."""
        loop = asyncio.get_running_loop()
        return self.under_way and self._task is not None and self._task.get_loop() is loop

    def start(self, fetch: Fetching) -> None:
        """Begin to fetch, unless a fetch is under way; nobody waits for it."""
        _ = self._current(fetch)

    async def join(self, fetch: Fetching) -> KeySet:
        """Wait for the fetch that is under way, or for a new one.

        Raises:
            KeysUnavailable: the fetch was ended by `aclose`.
        """
        task = self._current(fetch)
        # Not `await task`: who is cancelled here would cancel it for all the others.
        await asyncio.wait((task,))
        if task.cancelled():
            raise KeysUnavailable("the key source was closed")
        return task.result()

    async def aclose(self) -> None:
        """End the fetch that is under way, if there is one."""
        if self._task is not None and self.running:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _current(self, fetch: Fetching) -> "asyncio.Task[KeySet]":
        if self._task is None or not self.running:
            self._task = asyncio.get_running_loop().create_task(
                fetch(),
                # Not the context of whoever came first: its request id is not everybody's.
                context=contextvars.Context(),
            )
            self._task.add_done_callback(_mark_as_seen)
        return self._task


def _mark_as_seen(task: "asyncio.Task[KeySet]") -> None:
    # Nobody may be waiting; asyncio complains about an exception that nobody has looked at.
    if not task.cancelled():
        task.exception()
