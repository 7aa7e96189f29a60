"""asgi_bearer in front of a plain ASGI callable, without a framework."""

import json

from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer import BearerMiddleware, JWTVerifier


async def _contacts(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "lifespan":
        await _lifespan(receive, send)
        return
    user = scope.get("user")
    body = json.dumps({"owner": "anonymous" if user is None else user.subject}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def make_app(*, issuer: str, audience: str, jwks_uri: str | None) -> ASGIApp:
    """Return the application."""
    verifier = JWTVerifier(issuer=issuer, audience=audience, jwks_uri=jwks_uri)
    return BearerMiddleware(_contacts, verifier=verifier, scopes={"read:contacts"})


def make_unguarded_app() -> ASGIApp:
    """Return the same application without a guard."""
    return _contacts
