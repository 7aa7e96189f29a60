"""Items behind access tokens, in Sanic.

Start it with `uvicorn main:app`. ISSUER and AUDIENCE name the issuer of the tokens and this API.
"""

import os
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from sanic import HTTPResponse, Request, Sanic, json, text

from asgi_bearer import BearerMiddleware, JWTVerifier, principal, refusal

Handler = Callable[..., Awaitable[HTTPResponse]]


def requires(*scopes: str) -> Callable[[Handler], Handler]:
    """Let a request pass only if its token has the scopes."""

    def decorate(handler: Handler) -> Handler:
        @wraps(handler)
        async def checked(request: Request, *args: Any, **kwargs: Any) -> HTTPResponse:
            if refused := refusal(request.scope, *scopes):
                headers = {name.decode(): value.decode() for name, value in refused.headers}
                return HTTPResponse(refused.body, refused.status, headers)
            return await handler(request, *args, **kwargs)

        return checked

    return decorate


api = Sanic("items")


@api.get("/healthz")
async def health(_request: Request) -> HTTPResponse:
    return text("ok")


@api.get("/items")
@requires("read:items")
async def items(request: Request) -> HTTPResponse:
    user = principal(request.scope)
    return json({"owner": user and user.subject})


verifier = JWTVerifier(
    issuer=os.environ.get("ISSUER", "https://tenant.example/"),
    audience=os.environ.get("AUDIENCE", "https://api.example/items"),
)
app = BearerMiddleware(api, verifier=verifier, public={"GET /healthz"})
