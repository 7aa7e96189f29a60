"""Items behind access tokens, in FastAPI.

Start it with `uvicorn main:app`. ISSUER and AUDIENCE name the issuer of the tokens and this API.
"""

import os
from typing import Annotated

from fastapi import APIRouter, FastAPI, Security, WebSocket

from asgi_bearer import JWTVerifier, Principal
from asgi_bearer.fastapi import BearerAuth

verifier = JWTVerifier(
    issuer=os.environ.get("ISSUER", "https://tenant.example/"),
    audience=os.environ.get("AUDIENCE", "https://api.example/items"),
)
auth = BearerAuth(verifier)

Reader = Annotated[Principal, Security(auth, scopes=["read:items"])]
Visitor = Annotated[Principal | None, Security(auth.optional)]

app = FastAPI(title="Items")
auth.add_to(app)


@app.get("/healthz")
async def health() -> str:
    return "ok"


@app.get("/greeting")
async def greet(visitor: Visitor) -> str:
    return f"Hello {visitor.subject}" if visitor else "Hello"


@app.get("/items")
async def list_items(reader: Reader) -> dict[str, str | None]:
    return {"owner": reader.subject}


@app.websocket("/items/changes")
async def watch_items(websocket: WebSocket, reader: Reader) -> None:
    await websocket.accept()
    await websocket.send_json({"owner": reader.subject})
    await websocket.close()


admin = APIRouter(prefix="/admin", dependencies=[Security(auth, scopes=["admin:items"])])


@admin.delete("/items", status_code=204)
async def delete_items() -> None:
    pass


app.include_router(admin)
