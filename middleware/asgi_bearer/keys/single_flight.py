"""Runs one fetch at a time. Cancelling one waiting request does not cancel the shared fetch."""

import asyncio
import contextvars
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.jwk import KeySet

Fetching = Callable[[], Coroutine[Any, Any, KeySet]]

_ON_ASYNCIO_ONLY: Final = (
    "no asyncio event loop is running, and asgi_bearer fetches keys only on asyncio. "
    "If this application runs on trio or another event loop, "
    "use StaticKeys or run the application on asyncio"
)

logger = logging.getLogger("asgi_bearer.keys")


class NotOnAsyncio(KeysUnavailable, RuntimeError):
    """Keys cannot be fetched, because no asyncio event loop is running."""


class SingleFlight:
    """Runs a fetch as a separate task, which all waiting requests share."""

    def __init__(self) -> None:
        self._task: asyncio.Task[KeySet] | None = None
        self._is_logged = False

    @property
    def is_running(self) -> bool:
        """Whether a fetch is running; may be read from any thread."""
        task = self._task
        # A task of an event loop that has ended never finishes (tests, servers that fork).
        return task is not None and not task.done() and task.get_loop().is_running()

    @property
    def is_running_here(self) -> bool:
        """Whether a fetch is running in this event loop.

        Raises:
            NotOnAsyncio: no asyncio event loop is running.
        """
        loop = self._loop()
        return self.is_running and self._task is not None and self._task.get_loop() is loop

    def start(self, fetch: Fetching) -> None:
        """Start a fetch in the background, unless one is running.

        Raises:
            NotOnAsyncio: no asyncio event loop is running.
        """
        _ = self._current(fetch)

    async def join(self, fetch: Fetching) -> KeySet:
        """Wait for the running fetch, or for a new one.

        Raises:
            KeysUnavailable: `aclose` cancelled the fetch.
            NotOnAsyncio: no asyncio event loop is running.
        """
        task = self._current(fetch)
        # `await task` would cancel the shared task if this request is cancelled.
        await asyncio.wait((task,))
        if task.cancelled():
            raise KeysUnavailable("the key source was closed")
        return task.result()

    async def aclose(self) -> None:
        """Cancel the running fetch, if there is one."""
        if self._task is not None and self.is_running and self.is_running_here:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _current(self, fetch: Fetching) -> "asyncio.Task[KeySet]":
        if self._task is None or not self.is_running_here:
            self._task = self._loop().create_task(
                fetch(),
                # An empty context: the fetch does not belong to the request that started it.
                context=contextvars.Context(),
            )
            self._task.add_done_callback(_retrieve_exception)
        return self._task

    def _loop(self) -> asyncio.AbstractEventLoop:
        try:
            return asyncio.get_running_loop()
        except RuntimeError as err:
            if not self._is_logged:
                self._is_logged = True
                # Logged once, not for every request.
                logger.error("%s", _ON_ASYNCIO_ONLY)
            raise NotOnAsyncio(_ON_ASYNCIO_ONLY) from err


def _retrieve_exception(task: "asyncio.Task[KeySet]") -> None:
    # asyncio logs an exception that is never retrieved, and maybe no request is waiting.
    if not task.cancelled():
        task.exception()
