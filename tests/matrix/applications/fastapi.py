"""The application of the matrix in FastAPI."""

from fastapi import FastAPI, WebSocket
from fastapi.responses import StreamingResponse

from tests.matrix import behaviour

app = FastAPI(lifespan=behaviour.lifespan)


@app.get("/items")
@app.get("/public")
async def text() -> str:
    return "text"


@app.get("/fault")
async def fault() -> None:
    behaviour.fault()


@app.get("/stream")
async def stream() -> StreamingResponse:
    return StreamingResponse(behaviour.two_parts())


@app.get("/release")
async def release() -> None:
    behaviour.released.set()


@app.get("/endless")
async def endless() -> StreamingResponse:
    return StreamingResponse(behaviour.endless())


@app.websocket("/echo")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()
