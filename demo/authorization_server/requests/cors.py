"""CORS: the endpoints that scripts of public clients may call from a browser."""

from collections.abc import Iterable

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from demo.authorization_server.registrations.model import Client
from demo.authorization_server.registrations.redirect_uris import origin

PATHS = frozenset(
    {
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/oauth/revoke",
        "/oauth/token",
        "/userinfo",
    }
)
"""None of them reads cookies. The pages of this server are for people, not for scripts."""

_ALLOWED_HEADERS = ("Authorization", "Content-Type", "X-Requested-With")
"""Swagger UI sends `X-Requested-With` with its token requests."""

_EXPOSED_HEADERS = ("WWW-Authenticate", "Retry-After")


class BrowserClients:
    """ASGI middleware: allows these origins to call `PATHS`, without cookies."""

    def __init__(self, app: ASGIApp, *, origins: Iterable[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=tuple(origins),
            allow_methods=("GET", "POST"),
            allow_headers=_ALLOWED_HEADERS,
            expose_headers=_EXPOSED_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shared = scope["type"] == "http" and scope["path"] in PATHS
        await (self._shared if shared else self._app)(scope, receive, send)


def browser_origins(clients: Iterable[Client]) -> frozenset[str]:
    """Return the origins of the scripts of public clients.

    A confidential client calls these endpoints from its own server, not from a browser.
    """
    public = [client for client in clients if client.is_public]
    of_redirect_uris = (origin(uri) for client in public for uri in client.redirect_uris)
    registered = (one for client in public for one in client.origins)
    return frozenset(one for one in (*of_redirect_uris, *registered) if one is not None)
