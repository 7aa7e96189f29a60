"""Keys get ready with the application, and a fetch that is under way ends with it."""

import logging
from typing import TYPE_CHECKING, Final

from asgi_bearer.errors import AccessTokenError
from asgi_bearer.keys.single_flight import NotOnAsyncio
from asgi_bearer.keys.source import Warmable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_COMPLETE: Final = "lifespan.startup.complete"
_FAILED: Final = "lifespan.startup.failed"

logger = logging.getLogger("asgi_bearer")


async def with_keys(
    app: "ASGIApp", verifier: Warmable, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Run the lifespan of `app`, and let `verifier` know of its beginning and end.

    Where the application has no lifespan, the guard answers in its place, so that the keys are
    ready before the first request. That is so for an application that raises before it asks for the
    first message (Django), that answers with something else than lifespan messages, and that
    returns before the end. What an application said of its start, or raises in it, stands.
    """
    lifespan = _Lifespan(verifier, receive, send)
    try:
        try:
            await app(scope, lifespan.receive, lifespan.send)
        except Exception as err:
            if lifespan.is_of_application:
                raise
            logger.info(
                "the application has no lifespan (%s); the guard answers in its place",
                type(err).__name__,
            )
        await lifespan.answer()
    finally:
        # A start that failed is told of no shutdown, nor is one that a server cancels.
        await lifespan.close()


class _Lifespan:
    """The messages between a server and an application, which the guard reads as they pass."""

    def __init__(self, verifier: Warmable, receive: "Receive", send: "Send") -> None:
        self._verifier = verifier
        self._receive = receive
        self._send = send
        self._warm = False
        self._began = False
        self._ended = False
        self._foreign = False
        self._said: set[str] = set()

    @property
    def is_of_application(self) -> bool:
        """Whether what the application raises is a failure of its own lifespan."""
        return bool(self._said) or (self._began and not self._foreign)

    async def receive(self) -> "Message":
        """Hand on what the server says."""
        message = await self._receive()
        if message["type"] == "lifespan.startup":
            self._begin()
        elif message["type"] == "lifespan.shutdown":
            self._ended = True
            await self.close()
        return message

    async def send(self, message: "Message") -> None:
        """Hand on what the application says.

        Raises:
            RuntimeError: it is no lifespan message, which no server takes here.
        """
        kind = str(message.get("type"))
        if not kind.startswith("lifespan."):
            self._foreign = True
            raise RuntimeError("the application answered its lifespan with another message")
        self._said.add(kind)
        if kind == _FAILED:
            # A server may end the task at once, or wait for it; nothing may be under way then.
            await self.close()
        await self._send(message)

    async def answer(self) -> None:
        """Say in place of the application, which has returned, what it has not said."""
        if _FAILED in self._said or self._ended:
            return
        if _COMPLETE not in self._said:
            if not self._began:
                await self.receive()
            await self._send({"type": _COMPLETE})
        await self.receive()
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
        self._began = self._warm = True
        try:
            self._verifier.warm()
        except Exception as err:
            # Keys that cannot be fetched ahead must not keep the application from its start.
            if not isinstance(err, NotOnAsyncio):  # The key source has said so itself.
                logger.error("the keys cannot be fetched before the first request: %s", _named(err))


def _named(err: Exception) -> str:
    # The message of an error that is not ours may quote anything.
    return err.reason if isinstance(err, AccessTokenError) else type(err).__name__
