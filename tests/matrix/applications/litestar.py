"""The application of the matrix in Litestar."""

from litestar import Litestar, get, websocket
from litestar.connection import WebSocket
from litestar.datastructures import State
from litestar.response import Stream

from tests.matrix import behaviour


@get(["/items", "/public"])
async def text() -> str:
    return "text"


@get("/fault")
async def fault() -> None:
    behaviour.fault()


@get("/stream")
async def stream() -> Stream:
    return Stream(behaviour.two_parts())


@get("/release")
async def release() -> None:
    behaviour.released.set()


@get("/endless")
async def endless() -> Stream:
    return Stream(behaviour.endless())


@websocket("/echo")
async def echo(socket: WebSocket[None, None, State]) -> None:
    await socket.accept()
    await socket.send_text(await socket.receive_text())
    await socket.close()


app = Litestar(
    [text, fault, stream, release, endless, echo],
    lifespan=[behaviour.lifespan],
    openapi_config=None,
)
