"""The application of the matrix in Sanic."""

# Sanic's WebSocket routes are annotated in part.
# pyright: reportUnknownMemberType=false

from collections.abc import AsyncIterator

from sanic import HTTPResponse, Request, Sanic, Websocket
from sanic.response import empty
from sanic.response import text as text_response

from tests.matrix import behaviour

app = Sanic("matrix", configure_logging=False)


@app.before_server_start
async def start(_app: object) -> None:
    behaviour.start()


@app.after_server_stop
async def stop(_app: object) -> None:
    behaviour.stop()


@app.get("/items", name="items")
@app.get("/public", name="public")
async def text(request: Request) -> HTTPResponse:
    return text_response(request.path)


@app.get("/fault")
async def fault(_request: Request) -> HTTPResponse:
    behaviour.fault()
    return empty()


async def send_all(request: Request, parts: AsyncIterator[bytes]) -> None:
    response = HTTPResponse(content_type="text/plain")
    await request.respond(response)
    async for part in parts:
        await response.send(part)
    await response.send(end_stream=True)


@app.get("/stream")
async def stream(request: Request) -> None:
    await send_all(request, behaviour.two_parts())


@app.get("/release")
async def release(_request: Request) -> HTTPResponse:
    behaviour.released.set()
    return empty()


@app.get("/endless")
async def endless(request: Request) -> None:
    await send_all(request, behaviour.endless())


async def echo(_request: Request, websocket: Websocket) -> None:
    await websocket.send(await websocket.recv() or "")


app.add_websocket_route(echo, "/echo")
