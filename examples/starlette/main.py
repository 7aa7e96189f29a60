"""Items behind access tokens, in Starlette.

Start it with `uvicorn main:app`. ISSUER and AUDIENCE name the issuer of the tokens and this API.
"""

import os

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from asgi_bearer import BearerMiddleware, JWTVerifier
from asgi_bearer.starlette import Refused, refused_response, requires, requires_any

verifier = JWTVerifier(
    issuer=os.environ.get("ISSUER", "https://tenant.example/"),
    audience=os.environ.get("AUDIENCE", "https://api.example/items"),
)


async def health(request: Request) -> Response:
    return PlainTextResponse("ok")


@requires("read:items")
async def list_items(request: Request) -> Response:
    return JSONResponse({"owner": request.user.subject})


@requires_any("write:items", "admin:items")
async def delete_items(request: Request) -> Response:
    return Response(status_code=204)


@requires("read:items")
async def watch_items(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_json({"owner": websocket.user.subject})
    await websocket.close()


app = Starlette(
    routes=[
        Route("/healthz", health),
        Route("/items", list_items),
        Route("/items", delete_items, methods=["DELETE"]),
        WebSocketRoute("/items/changes", watch_items),
    ],
    middleware=[Middleware(BearerMiddleware, verifier=verifier, public={"GET /healthz"})],
    exception_handlers={Refused: refused_response},
)
