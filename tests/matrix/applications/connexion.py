"""The application of the matrix in Connexion."""

# Connexion has no annotations for type checkers.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from connexion import AsyncApp
from starlette.responses import Response, StreamingResponse

from tests.matrix import behaviour


async def text() -> str:
    return "text"


async def fault() -> None:
    behaviour.fault()


async def stream() -> Response:
    return StreamingResponse(behaviour.two_parts())


async def release() -> str:
    behaviour.released.set()
    return ""


async def endless() -> Response:
    return StreamingResponse(behaviour.endless())


def operation(function: str) -> dict[str, object]:
    """Return the description of a path that calls this function."""
    answer = {"description": "any text", "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {"get": {"operationId": f"{__name__}.{function}", "responses": {"200": answer}}}


app = AsyncApp(__name__, lifespan=behaviour.lifespan)
app.add_api(
    {
        "openapi": "3.0.3",
        "info": {"title": "matrix", "version": "1"},
        "paths": {
            "/items": operation("text"),
            "/public": operation("text"),
            "/fault": operation("fault"),
            "/stream": operation("stream"),
            "/release": operation("release"),
            "/endless": operation("endless"),
        },
    }
)
