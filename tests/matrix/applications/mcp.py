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


@server.custom_route("/items", ["GET"])
@server.custom_route("/public", ["GET"])
async def text(request: Request) -> Response:
    return PlainTextResponse(request.url.path)


@server.custom_route("/fault", ["GET"])
async def fault(_request: Request) -> Response:
    behaviour.fault()
    return Response()


@server.custom_route("/stream", ["GET"])
async def stream(_request: Request) -> Response:
    return StreamingResponse(behaviour.two_parts())


@server.custom_route("/release", ["GET"])
async def release(_request: Request) -> Response:
    behaviour.released.set()
    return Response()


@server.custom_route("/endless", ["GET"])
async def endless(_request: Request) -> Response:
    return StreamingResponse(behaviour.endless())


app = server.streamable_http_app()
