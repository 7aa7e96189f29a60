"""An API with Quart: every request needs an access token, and each view names its scopes."""

from quart import Blueprint, Quart, websocket

from asgi_bearer import BearerMiddleware, JWTVerifier, Verifier
from asgi_bearer.quart import principal, requires, requires_any

items = Blueprint("items", __name__)


@items.get("/items")
@requires("read:items")
async def listed() -> dict[str, str | None]:
    return {"owner": principal().subject}


@items.get("/reports")
@requires_any("read:items", "read:reports")
def reports() -> dict[str, str | None]:
    return {"owner": principal().subject}


@items.websocket("/items/changes")
@requires("read:items")
async def changes() -> None:
    await websocket.send_json({"owner": principal().subject})


@items.get("/healthz")
async def healthz() -> str:
    return "ok"


def create_app(verifier: Verifier) -> BearerMiddleware:
    api = Quart(__name__)
    api.register_blueprint(items)
    return BearerMiddleware(api, verifier=verifier, public={"/healthz"})


app = create_app(
    JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/items")
)

if __name__ == "__main__":
    # On your machine: an issuer in this process, and two tokens for curl.
    import logging
    import os
    import time

    import uvicorn

    from asgi_bearer.testing import FakeIssuer

    logging.basicConfig(level=logging.INFO)
    issuer = FakeIssuer(clock=time.time)
    in_an_hour = int(time.time()) + 3600
    print(f"export TOKEN={issuer.token(scope='read:items', exp=in_an_hour)}")
    print(f"export OTHER={issuer.token(scope='openid', exp=in_an_hour)}", flush=True)
    uvicorn.run(create_app(issuer.verifier()), port=int(os.environ.get("PORT", "8000")))
