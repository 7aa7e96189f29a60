"""An API with BlackSheep: every handler needs an access token, and its policy names its scopes."""

from blacksheep import Application, Request, Router, WebSocket
from blacksheep.server.authorization import allow_anonymous, auth
from guardpost import Policy
from openapidocs.v3 import Info  # type: ignore[import-untyped]  # it has no types

from asgi_bearer import BearerMiddleware, JWTVerifier, Verifier
from asgi_bearer.blacksheep import (
    BearerOpenAPIHandler,
    ScopesRequirement,
    principal,
    use_bearer,
)


def create_app(verifier: Verifier) -> BearerMiddleware:
    api = Application(router=Router())
    policies = use_bearer(api)
    policies.add(Policy("reports", ScopesRequirement("read:items", "read:reports", any_of=True)))
    BearerOpenAPIHandler(info=Info(title="Items", version="1")).bind_app(api)

    @api.router.get("/items")
    @auth("read:items")
    async def items(request: Request) -> dict[str, str | None]:
        return {"owner": principal(request).subject}

    @api.router.get("/reports")
    @auth("reports")
    async def reports(request: Request) -> dict[str, str | None]:
        return {"owner": principal(request).subject}

    @api.router.ws("/items/changes")  # pyright: ignore[reportUnknownMemberType] - partly untyped
    @auth("read:items")
    async def changes(websocket: WebSocket) -> None:
        await websocket.accept()  # pyright: ignore[reportUnknownMemberType] - partly untyped
        await websocket.send_json({"owner": principal(websocket).subject})
        await websocket.close()

    @api.router.get("/healthz")
    @allow_anonymous()
    async def healthz() -> str:
        return "ok"

    # The policies refuse anonymous requests.
    return BearerMiddleware(api, verifier=verifier, optional=True)


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
