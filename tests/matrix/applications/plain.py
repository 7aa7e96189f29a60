"""The application of the matrix as plain ASGI, without a framework."""

import asyncio
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

from tests.matrix import behaviour

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def app(scope: "Scope", receive: "Receive", send: "Send") -> None:
    match scope["type"]:
        case "lifespan":
            await serve_lifespan(receive, send)
        case "websocket":
            await echo(receive, send)
        case _:
            await respond(scope["path"], receive, send)


async def serve_lifespan(receive: "Receive", send: "Send") -> None:
    await receive()
    try:
        behaviour.start()
    except RuntimeError as err:
        await send({"type": "lifespan.startup.failed", "message": str(err)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    behaviour.stop()
    await send({"type": "lifespan.shutdown.complete"})


async def echo(receive: "Receive", send: "Send") -> None:
    await receive()
    await send({"type": "websocket.accept"})
    message = await receive()
    await send({"type": "websocket.send", "text": message["text"]})
    await send({"type": "websocket.close"})


async def respond(path: str, receive: "Receive", send: "Send") -> None:
    if path == "/fault":
        behaviour.fault()
    if path == "/release":
        behaviour.released.set()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain")],
        }
    )
    if path == "/stream":
        await send_all(behaviour.two_parts(), send)
    if path == "/endless":
        await send_until_disconnect(behaviour.endless(), receive, send)
    await send({"type": "http.response.body"})


async def send_all(parts: AsyncGenerator[bytes], send: "Send") -> None:
    try:
        async for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
    finally:
        await parts.aclose()


async def send_until_disconnect(
    parts: AsyncGenerator[bytes], receive: "Receive", send: "Send"
) -> None:
    sending = asyncio.create_task(send_all(parts, send))
    while (await receive())["type"] != "http.disconnect":
        pass
    sending.cancel()
    await asyncio.wait([sending])
