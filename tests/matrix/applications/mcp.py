"""The application of the matrix in the MCP SDK: a server with a tool, and routes beside it."""

from mcp.server.mcpserver import MCPServer
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from tests.matrix import behaviour

server = MCPServer("matrix", lifespan=behaviour.lifespan)


@server.tool()
async def items() -> str:
    """Return the items."""
    return "items"


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


for path, endpoint in {
    "/items": text,
    "/public": text,
    "/fault": fault,
    "/stream": stream,
    "/release": release,
    "/endless": endless,
}.items():
    server.custom_route(path, ["GET"])(endpoint)

app = server.streamable_http_app()
