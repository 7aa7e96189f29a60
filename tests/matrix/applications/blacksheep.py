"""The application of the matrix in BlackSheep."""

# BlackSheep's WebSockets are annotated in part.
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false

from collections.abc import AsyncGenerator
from contextlib import aclosing

from blacksheep import Application, Request, Response, StreamedContent, WebSocket, get, text, ws

from tests.matrix import behaviour

app = Application()


@app.on_start
async def start(_app: Application) -> None:
    behaviour.start()


@app.on_stop
async def stop(_app: Application) -> None:
    behaviour.stop()


@get("/items")
async def items() -> Response:
    return text("items")


@get("/public")
async def public() -> Response:
    return text("public")


@get("/fault")
async def fault() -> None:
    behaviour.fault()


@get("/stream")
async def stream() -> Response:
    return Response(200, content=StreamedContent(b"text/plain", behaviour.two_parts))


@get("/release")
async def release() -> Response:
    behaviour.released.set()
    return text("released")


@get("/endless")
async def endless(request: Request) -> Response:
    async def until_disconnect() -> AsyncGenerator[bytes]:
        async with aclosing(behaviour.endless()) as parts:
            async for part in parts:
                if await request.is_disconnected():
                    break
                yield part

    return Response(200, content=StreamedContent(b"text/plain", until_disconnect))


@ws("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()
