"""Builds the ASGI application from the settings: verifier, middleware, routes, error handlers."""

import logging
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from asgi_bearer import BearerMiddleware, JWTVerifier, Principal, remote_keys
from asgi_bearer.keys import RemoteKeys
from asgi_bearer.starlette import Refused, refused_response
from resource_api.contacts.endpoints import ContactEndpoints
from resource_api.contacts.model import can_own
from resource_api.contacts.sql_store import SqlContactStore
from resource_api.contacts.store import ContactStore, StoreUnavailable
from resource_api.database.connect import connect
from resource_api.openapi import document
from resource_api.probes import Probes
from resource_api.settings import Settings
from resource_api.web.problems import internal_error, problem, problem_response

PUBLIC = frozenset({"/healthz", "/readyz", "/openapi.json"})
"""Paths that need no access token."""

PREFLIGHT_SECONDS = 600
"""How long a browser may cache the answer to a preflight."""

logger = logging.getLogger("resource_api")


def create_app(
    settings: Settings,
    *,
    keys: RemoteKeys | None = None,
    store: ContactStore | None = None,
    clock: Callable[[], float] = time.time,
) -> ASGIApp:
    """Return the API as an ASGI application; its shutdown closes `keys` and `store`.

    The application starts to fetch the issuer's keys in its lifespan, not here. The database must
    be prepared before the first request (`resource_api.database.schema.prepare`).

    Arguments:
        keys: the source of the issuer's keys, instead of the addresses in the settings.
        store: the store of contacts, instead of the database in the settings.
        clock: returns the time in seconds since the epoch.

    Raises:
        DatabaseUnusable: the SQLite file or its folder cannot be created.
    """
    if keys is None:
        discovered = settings.jwks_uri is None
        keys = remote_keys(
            issuer=settings.issuer if discovered else None,
            jwks_uri=settings.jwks_uri,
            allow_http=settings.allow_http,
        )
    if store is None:
        store = SqlContactStore(connect(settings.database_url), clock=clock)
    verifier = JWTVerifier(
        issuer=settings.issuer,
        audience=settings.audience,
        audience_claim=settings.audience_claim,
        scope_claims=settings.scope_claims,
        keys=keys,
        algorithms=settings.algorithms,
        profile=settings.token_profile,
        rules=_rules(settings),
        clock=clock,
    )
    openapi_document = document(settings)

    async def openapi(request: Request) -> Response:
        root: str = request.scope.get("root_path", "").rstrip("/")
        servers = {"servers": [{"url": root}]} if root else {}
        return JSONResponse({**openapi_document, **servers}, headers={"Cache-Control": "no-cache"})

    routes = [
        *ContactEndpoints(store).routes(),
        *Probes(store, keys).routes(),
        Route("/openapi.json", openapi),
    ]
    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(BearerMiddleware, verifier=verifier, public=PUBLIC, realm="contacts")
        ],
        exception_handlers={
            Refused: refused_response,
            HTTPException: problem,
            StoreUnavailable: _unavailable,
            Exception: internal_error,
        },
        lifespan=_lifespan(store),
    )
    # Starlette would build the redirect from the Host header, which the client controls.
    app.router.redirect_slashes = False
    if not settings.cors_origins:
        return app
    # CORS stands outside the guard, so that scripts can read refusals and errors too, and a
    # preflight, which carries no token, gets its answer.
    return CORSMiddleware(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=("GET", "POST", "PUT", "DELETE"),
        allow_headers=("Authorization", "Content-Type", "If-Match", "If-None-Match"),
        expose_headers=("WWW-Authenticate", "Retry-After", "ETag", "Location", "Link", "Allow"),
        max_age=PREFLIGHT_SECONDS,
    )


def _rules(settings: Settings) -> dict[str, Callable[[Principal], bool]]:
    rules: dict[str, Callable[[Principal], bool]] = {
        "subject": lambda principal: can_own(principal.subject)
    }
    accepted = settings.grant_types
    if accepted is not None:
        # A list of accepted grants also refuses a token that does not name its grant.
        rules["grant_type"] = lambda principal: principal.claims.get("gty") in accepted
    return rules


def _lifespan(store: ContactStore) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        await store.aclose()

    return lifespan


async def _unavailable(_request: Request, error: Exception) -> Response:
    logger.error("the database does not answer: %s", error)
    return problem_response(
        503, "The contacts are unavailable at the moment.", headers={"Retry-After": "1"}
    )
