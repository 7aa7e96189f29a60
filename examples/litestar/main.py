"""An API with Litestar: every route needs an access token, and each names its scopes."""

from litestar import Litestar, Router, get, websocket
from litestar.openapi import OpenAPIConfig

from asgi_bearer import JWTVerifier, Verifier
from asgi_bearer.litestar import BearerPlugin, BearerRequest, BearerWebSocket, scopes


@get("/items", guards=[scopes("read:items")])
async def items(request: BearerRequest) -> dict[str, str | None]:
    return {"owner": request.user.subject}


@get("/reports", guards=[scopes("read:items", "read:reports", any_of=True)])
async def reports(request: BearerRequest) -> dict[str, str | None]:
    return {"owner": request.user.subject}


@websocket("/items/changes", guards=[scopes("read:items")])
async def changes(socket: BearerWebSocket) -> None:
    await socket.accept()
    await socket.send_json({"owner": socket.user.subject})
    await socket.close()


@get("/healthz", exclude_from_auth=True)
async def healthz() -> str:
    return "ok"


def create_app(verifier: Verifier) -> Litestar:
    documentation = Router("/schema", route_handlers=[], opt={"exclude_from_auth": True})
    return Litestar(
        [items, reports, changes, healthz],
        plugins=[BearerPlugin(verifier)],
        openapi_config=OpenAPIConfig(title="Items", version="1", openapi_router=documentation),
    )


app = create_app(
    JWTVerifier(issuer="https://tenant.example/", audience="https://api.example/items")
)

if __name__ == "__main__":
    # On your machine: an issuer in this process, and two tokens for curl.
    import os
    import time

    import uvicorn

    from asgi_bearer.testing import FakeIssuer

    issuer = FakeIssuer(clock=time.time)
    in_an_hour = int(time.time()) + 3600
    print(f"export TOKEN={issuer.token(scope='read:items', exp=in_an_hour)}")
    print(f"export OTHER={issuer.token(scope='openid', exp=in_an_hour)}", flush=True)
    uvicorn.run(create_app(issuer.verifier()), port=int(os.environ.get("PORT", "8000")))
