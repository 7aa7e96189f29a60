"""Items behind access tokens, in Falcon.

Start it with `uvicorn main:app`. ISSUER and AUDIENCE name the issuer of the tokens and this API.
"""

import os

import falcon
import falcon.asgi

from asgi_bearer import BearerMiddleware, JWTVerifier, principal, refusal


async def scopes(
    req: falcon.asgi.Request, _resp: object, _resource: object, _params: object, *names: str
) -> None:
    """Let a request pass only if its token has the scopes."""
    if refused := refusal(req.scope, *names):
        headers = [(name.decode(), value.decode()) for name, value in refused.headers]
        raise falcon.HTTPStatus(refused.status, headers, refused.body.decode())


class Health:
    async def on_get(self, _req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        resp.text = "ok"


class Items:
    @falcon.before(scopes, "read:items")
    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        user = principal(req.scope)
        resp.media = {"owner": user and user.subject}


verifier = JWTVerifier(
    issuer=os.environ.get("ISSUER", "https://tenant.example/"),
    audience=os.environ.get("AUDIENCE", "https://api.example/items"),
)
api = falcon.asgi.App()
api.add_route("/healthz", Health())
api.add_route("/items", Items())
app = BearerMiddleware(api, verifier=verifier, public={"GET /healthz"})
