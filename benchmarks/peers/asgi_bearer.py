"""asgi_bearer as the outermost middleware of a Starlette application, with default keys."""

from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer import BearerMiddleware, JWTVerifier, remote_keys


def make_app(
    *,
    issuer: str,
    audience: str,
    jwks_uri: str | None,
    cache_control: bool = True,
    **options: Any,
) -> Starlette:
    """Return the application; without `jwks_uri` the keys are discovered.

    Arguments:
        options: further arguments for the verifier.
    """
    keys = remote_keys(issuer=issuer, jwks_uri=jwks_uri)
    verifier = JWTVerifier(issuer=issuer, audience=audience, keys=keys, **options)

    async def contacts(request: Request) -> JSONResponse:
        return JSONResponse({"owner": request.user.subject})

    guard = Middleware(
        BearerMiddleware, verifier=verifier, scopes={"read:contacts"}, cache_control=cache_control
    )
    app = Starlette(routes=[Route("/contacts", contacts)], middleware=[guard])
    app.state.keys = keys
    return app


def status(app: Starlette) -> dict[str, Any]:
    """Return the status of the key source."""
    status = app.state.keys.status()
    return {name: getattr(status, name) for name in status.__slots__} | {
        "counts": dict(status.counts)
    }


async def _unguarded(request: Request) -> JSONResponse:
    return JSONResponse({"owner": "anonymous"})


def make_unguarded_app() -> Starlette:
    """Return the same application without a guard."""
    return Starlette(routes=[Route("/contacts", _unguarded)])


@dataclass(frozen=True, slots=True)
class NoOpMiddleware:
    """Calls the application and does nothing else."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application."""
        await self.app(scope, receive, send)


def make_no_op_app() -> Starlette:
    """Return the same application behind a middleware that does nothing."""
    return Starlette(
        routes=[Route("/contacts", _unguarded)], middleware=[Middleware(NoOpMiddleware)]
    )
