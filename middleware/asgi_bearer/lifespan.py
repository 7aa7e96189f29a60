"""Keys get ready with the application, and a fetch that is under way ends with it."""

import logging
from typing import TYPE_CHECKING

from asgi_bearer.errors import AccessTokenError
from asgi_bearer.keys.flight import NotOnAsyncio
from asgi_bearer.keys.source import Warmable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("asgi_bearer")


async def with_keys(
    app: "ASGIApp", verifier: Warmable, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Run the lifespan of `app`, and let `verifier` know of its beginning and end.

    An application without a lifespan (Django) raises or returns before it asks for the first
    message, or sends something else than lifespan messages. The guard answers in its place, so that
    the keys are ready before the first request. What an application does that has begun to start
    stands: a start that failed has failed.
    """
    lifespan = _Lifespan(verifier, receive, send)
    try:
        await app(scope, lifespan.receive, lifespan.send)
    except Exception as err:
        if lifespan.has_one:
            raise
        logger.debug("the application has no lifespan (%s)", type(err).__name__)
    finally:
        # A start that failed is told of no shutdown, nor is one that a server cancels.
        await lifespan.close()
    if not lifespan.has_one:
        try:
            await lifespan.answer()
        finally:
            await lifespan.close()


class _Lifespan:
    """The messages between a server and an application, which the guard reads as they pass."""

    def __init__(self, verifier: Warmable, receive: "Receive", send: "Send") -> None:
        self._verifier = verifier
        self._receive = receive
        self._send = send
        self._warm = False
        self._began = False
        self._foreign = False

    @property
    def has_one(self) -> bool:
        """Whether the application behaves as one that has a lifespan."""
        return self._began and not self._foreign

    async def receive(self) -> "Message":
        """Hand on what the server says."""
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            self._began = True
            self._begin()
        elif message["type"] == "lifespan.shutdown":
            await self.close()
        return message

    async def send(self, message: "Message") -> None:
        """Hand on what the application says.

        Raises:
            RuntimeError: it is no lifespan message, which no server takes here.
        """
        if not message["type"].startswith("lifespan."):
            self._foreign = True
            raise RuntimeError("the application answered its lifespan with another message")
        if message["type"] == "lifespan.startup.failed":
            # A server may end the task at once, or wait for it; nothing may be under way then.
            await self.close()
        await self._send(message)

    async def answer(self) -> None:
        """Answer in place of an application that has no lifespan."""
        if not self._began:
            await self._receive()
        self._begin()
        await self._send({"type": "lifespan.startup.complete"})
        await self._receive()
        # Before the server hears that the end is complete.
        await self.close()
        await self._send({"type": "lifespan.shutdown.complete"})

    async def close(self) -> None:
        """End what the verifier has under way, once."""
        if self._warm:
            self._warm = False
            try:
                await self._verifier.aclose()
            except Exception as err:
                logger.error("the verifier could not be closed: %s", _named(err))

    def _begin(self) -> None:
        self._warm = True
        try:
            self._verifier.warm()
        except Exception as err:
            # Keys that cannot be fetched ahead must not keep the application from its start.
            if not isinstance(err, NotOnAsyncio):  # The key source has said so itself.
                logger.error("the keys cannot be fetched before the first request: %s", _named(err))


def _named(err: Exception) -> str:
    # The message of an error that is not ours may quote anything.
    return err.reason if isinstance(err, AccessTokenError) else type(err).__name__
