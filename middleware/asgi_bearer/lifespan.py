"""Keys get ready with the application, and a fetch that is under way ends with it."""

import logging
from typing import TYPE_CHECKING

from asgi_bearer.keys.source import Warmable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

logger = logging.getLogger("asgi_bearer")


async def with_keys(
    app: "ASGIApp", verifier: Warmable, scope: "Scope", receive: "Receive", send: "Send"
) -> None:
    """Run the lifespan of `app`, and let `verifier` know of its beginning and end."""
    warm = False

    async def close() -> None:
        nonlocal warm
        if warm:
            warm = False
            await verifier.aclose()

    async def noticed() -> "Message":
        nonlocal warm
        message = await receive()
        try:
            if message["type"] == "lifespan.startup":
                warm = True
                verifier.warm()
            elif message["type"] == "lifespan.shutdown":
                await close()
        except Exception as err:
            # Whoever gets no keys ready must not keep the application from its own start and end.
            logger.error("%s of the verifier at %s", type(err).__name__, message["type"])
        return message

    try:
        await app(scope, noticed, send)
    finally:
        # A start that failed is told of no shutdown.
        await close()
