"""The application of the matrix in Starlette."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from tests.matrix import behaviour


async def text(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


async def fault(_request: Request) -> Response:
    behaviour.fault()
    return Response()


async def stream(_request: Request) -> Response:
    return StreamingResponse(behaviour.two_parts())


async def release(_request: Request) -> Response:
    behaviour.released.set()
    return Response()


async def endless(_request: Request) -> Response:
    return StreamingResponse(behaviour.endless())


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


app = Starlette(
    routes=[
        Route("/items", text),
        Route("/public", text),
        Route("/fault", fault),
        Route("/stream", stream),
        Route("/release", release),
        Route("/endless", endless),
        WebSocketRoute("/echo", echo),
    ],
    lifespan=behaviour.lifespan,
)
