"""The application of the matrix in Quart."""

from collections.abc import AsyncGenerator

from quart import Quart, websocket

from tests.matrix import behaviour

app = Quart(__name__)


@app.before_serving
async def start() -> None:
    behaviour.start()


@app.after_serving
async def stop() -> None:
    behaviour.stop()


@app.get("/items")
@app.get("/public")
async def text() -> str:
    return "text"


@app.get("/fault")
async def fault() -> str:
    behaviour.fault()
    return ""


@app.get("/stream")
async def stream() -> AsyncGenerator[bytes]:
    return behaviour.two_parts()


@app.get("/release")
async def release() -> str:
    behaviour.released.set()
    return ""


@app.get("/endless")
async def endless() -> AsyncGenerator[bytes]:
    return behaviour.endless()


@app.websocket("/echo")
async def echo() -> None:
    await websocket.send(await websocket.receive())
