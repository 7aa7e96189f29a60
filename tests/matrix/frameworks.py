"""The frameworks of the matrix, and what they offer."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """A framework, and the module of `tests.matrix.applications` with its application."""

    module: str
    name: str
    lifespan: bool = True
    websocket: bool = True
    speaks_mcp: bool = False


FRAMEWORKS = (
    Framework("plain", "plain ASGI"),
    Framework("starlette", "Starlette"),
    Framework("fastapi", "FastAPI"),
    Framework("litestar", "Litestar"),
    # WebSockets come with Channels.
    Framework("django", "Django", lifespan=False),
    Framework("quart", "Quart"),
    Framework("blacksheep", "BlackSheep"),
    Framework("falcon", "Falcon"),
    Framework("sanic", "Sanic"),
    Framework("connexion", "Connexion", websocket=False),
    Framework("mcp", "MCP SDK", websocket=False, speaks_mcp=True),
)
