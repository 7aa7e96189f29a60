"""Runs the lifespan of the application: keys are fetched at startup, a fetch ends at shutdown."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from asgi_bearer.errors import AccessTokenError
from asgi_bearer.keys.single_flight import NotOnAsyncio
from asgi_bearer.keys.source import Warmable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPLETE: Final = "lifespan.startup.complete"
_FAILED: Final = "lifespan.startup.failed"

logger = logging.getLogger("asgi_bearer")


async def run_lifespan(
    app: "ASGIApp", verifier: Warmable, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Run the lifespan of `app`; warm `verifier` at startup and close it at shutdown.

    If the application has no lifespan, the middleware completes it, so that the keys are fetched
    before the first request. Such an application raises before it receives the first message
    (Django), sends a message of another type, or returns early. If the application itself
    reports or raises a failure of its startup, that failure stands.
    """
    lifespan = _Lifespan(verifier, receive, send)
    try:
        try:
            await app(scope, lifespan.receive, lifespan.send)
        except Exception as err:
            # An application without lifespan may raise anything.
            if lifespan.is_supported:
                raise
            logger.info(
                "the application does not support lifespan (%s); the middleware completes it",
                type(err).__name__,
            )
        await lifespan.complete()
    finally:
        # After a failed or cancelled startup the server sends no shutdown message.
        await lifespan.close()


class _Lifespan:
    """The lifespan messages between server and application, with their state."""

    def __init__(self, verifier: Warmable, receive: "Receive", send: "Send") -> None:
        self._verifier = verifier
        self._receive = receive
        self._send = send
        self._is_warm = False
        self._startup_received = False
        self._shutdown_received = False
        self._sent_other_type = False
        self._sent: set[str] = set()

    @property
    def is_supported(self) -> bool:
        """Whether the application has a lifespan, so that an exception is a failure of it."""
        return bool(self._sent) or (self._startup_received and not self._sent_other_type)

    async def receive(self) -> "Message":
        """Return the next message of the server."""
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            self._start()
        elif message["type"] == "lifespan.shutdown":
            self._shutdown_received = True
            await self.close()
        return message

    async def send(self, message: "Message") -> None:
        """Pass a message of the application to the server.

        Raises:
            RuntimeError: it is not a lifespan message.
        """
        kind = str(message.get("type"))
        if not kind.startswith("lifespan."):
            self._sent_other_type = True
            raise RuntimeError(
                "the application answered a lifespan event with a message of another type"
            )
        self._sent.add(kind)
        if kind == _FAILED:
            # The server may end the process at once, so no fetch may be running.
            await self.close()
        await self._send(message)

    async def complete(self) -> None:
        """Send the messages that the application has not sent before it returned."""
        if _FAILED in self._sent or self._shutdown_received:
            return
        if _COMPLETE not in self._sent:
            if not self._startup_received:
                await self.receive()
            await self._send({"type": _COMPLETE})
        await self.receive()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """Close the verifier, once."""
        if self._is_warm:
            self._is_warm = False
            await close(self._verifier)

    def _start(self) -> None:
        self._startup_received = self._is_warm = True
        warm(self._verifier)


@asynccontextmanager
async def warmed(verifier: object) -> AsyncGenerator[None]:
    """Warm a verifier and close it again, if it is `Warmable`."""
    if not isinstance(verifier, Warmable):
        yield
        return
    warm(verifier)
    try:
        yield
    finally:
        await close(verifier)


def warm(verifier: Warmable) -> None:
    """Start to fetch the keys; if that fails, log it."""
    try:
        verifier.warm()
    except Exception as err:
        # The application starts without keys; the first request fetches them.
        if not isinstance(err, NotOnAsyncio):  # The key source has logged that itself.
            logger.error("the keys cannot be fetched before the first request: %s", _reason(err))


async def close(verifier: Warmable) -> None:
    """Close the verifier; if that fails, log it."""
    try:
        await verifier.aclose()
    except Exception as err:
        # A custom verifier may raise anything, and the shutdown must go on.
        logger.error("the verifier could not be closed: %s", _reason(err))


def _reason(err: Exception) -> str:
    # The message of any other exception may quote secrets.
    return err.reason if isinstance(err, AccessTokenError) else type(err).__name__
