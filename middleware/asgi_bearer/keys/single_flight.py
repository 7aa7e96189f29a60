"""One fetch at a time, which belongs to none of those who wait for it."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.jwk import KeySet

Fetching = Callable[[], Coroutine[Any, Any, KeySet]]

_ON_ASYNCIO_ONLY: Final = (
    "no running event loop of asyncio: asgi_bearer fetches keys on asyncio only. "
    "If this application runs on trio or another event loop, "
    "use StaticKeys or run the application on asyncio"
)

logger = logging.getLogger("asgi_bearer.keys")


class NotOnAsyncio(KeysUnavailable, RuntimeError):
    """Keys were asked for where no event loop of asyncio runs."""


class SingleFlight:
    """Runs a fetch as a task of its own.

    A caller that is cancelled stops waiting and cancels nothing: the others still get the keys.
    """

    def __init__(self) -> None:
        self._task: asyncio.Task[KeySet] | None = None
        self._complained = False

    @property
    def under_way(self) -> bool:
        """Whether a fetch is under way; from any thread."""
        task = self._task
        # A task of a loop that is gone would never end (tests, servers that fork).
        return task is not None and not task.done() and task.get_loop().is_running()

    @property
    def running(self) -> bool:
        """Whether a fetch is under way in the running event loop.

        Raises:
            NotOnAsyncio: no event loop of asyncio runs here.
        """
        loop = self._loop()
        return self.under_way and self._task is not None and self._task.get_loop() is loop

    def start(self, fetch: Fetching) -> None:
        """Begin to fetch, unless a fetch is under way; nobody waits for it.

        Raises:
            NotOnAsyncio: no event loop of asyncio runs here.
        """
        _ = self._current(fetch)

    async def join(self, fetch: Fetching) -> KeySet:
        """Wait for the fetch that is under way, or for a new one.

        Raises:
            KeysUnavailable: the fetch was ended by `aclose`.
            NotOnAsyncio: no event loop of asyncio runs here.
        """
        task = self._current(fetch)
        # Not `await task`: who is cancelled here would cancel it for all the others.
        await asyncio.wait((task,))
        if task.cancelled():
            raise KeysUnavailable("the key source was closed")
        return task.result()

    async def aclose(self) -> None:
        """End the fetch that is under way, if there is one."""
        if self._task is not None and self.under_way and self.running:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _current(self, fetch: Fetching) -> "asyncio.Task[KeySet]":
        if self._task is None or not self.running:
            self._task = self._loop().create_task(
                fetch(),
                # Not the context of whoever came first: its request id is not everybody's.
                context=contextvars.Context(),
            )
            self._task.add_done_callback(_mark_as_seen)
        return self._task

    def _loop(self) -> asyncio.AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError as err:
            if not self._complained:
                self._complained = True
                # Once, and not for every request.
                logger.error("%s", _ON_ASYNCIO_ONLY)
            raise NotOnAsyncio(_ON_ASYNCIO_ONLY) from err


def _mark_as_seen(task: "asyncio.Task[KeySet]") -> None:
    # Nobody may be waiting; asyncio complains about an exception that nobody has looked at.
    if not task.cancelled():
        task.exception()
