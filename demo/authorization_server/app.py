"""The authorization server as an ASGI application."""

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Protocol, cast
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute

from demo.authorization_server.authorize.endpoint import AuthorizeEndpoint
from demo.authorization_server.authorize.error_page import error_page, error_pages
from demo.authorization_server.authorize.refusals import RequestRefused
from demo.authorization_server.authorize.response import AuthorizationResponses
from demo.authorization_server.keys.signing_keys import SigningKeys
from demo.authorization_server.metadata import MetadataEndpoints
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.client_authentication import ClientAuthentication
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.cors import BrowserClients, browser_origins
from demo.authorization_server.requests.oauth_error import NO_STORE, OAuthError
from demo.authorization_server.rotate_keys_endpoint import KeyRotation
from demo.authorization_server.server import Server
from demo.authorization_server.sign_out.endpoint import LogoutEndpoint
from demo.authorization_server.state.state import State
from demo.authorization_server.token.endpoint import TokenEndpoint
from demo.authorization_server.token.grant_types import GrantTypes
from demo.authorization_server.token.introspection import IntrospectionEndpoint
from demo.authorization_server.token.issuing import Issuing
from demo.authorization_server.token.revocation import RevocationEndpoint
from demo.authorization_server.token.userinfo import UserInfo
from demo.authorization_server.token.verification import AccessTokenVerifier
from demo.pages.rendering import Pages, Party, static_files


class _Endpoint(Protocol):
    def routes(self) -> Sequence[BaseRoute]: ...


def create_authorization_server(
    *,
    issuer: str,
    registrations: Registrations,
    keys: SigningKeys,
    state: State,
    clock: Callable[[], float] = time.time,
) -> Starlette:
    """Return the application; it closes the state at shutdown.

    Arguments:
        issuer: the identifier, which is also the address; with a final slash, as Auth0's.
        state: already prepared.
        clock: returns seconds since the epoch; the same clock as the state's.
    """
    server = Server(issuer=issuer, registrations=registrations, keys=keys, state=state, clock=clock)
    pages = Pages(
        Path(__file__).parent / "templates",
        Party("authorization-server", "Authorization server", issuer),
    )
    issuing = Issuing(server)
    responses = AuthorizationResponses(server=server, issuing=issuing, pages=pages)
    cookies = Cookies(issuer)
    authentication = ClientAuthentication(registrations.clients)
    any_audience = AccessTokenVerifier(server, [*registrations.apis, server.userinfo])
    endpoints: list[_Endpoint] = [
        MetadataEndpoints(server, pages),
        AuthorizeEndpoint(server=server, cookies=cookies, responses=responses, pages=pages),
        LogoutEndpoint(server=server, cookies=cookies, pages=pages),
        TokenEndpoint(authentication=authentication, grant_types=GrantTypes(server, issuing)),
        UserInfo(
            registrations=registrations, verifier=AccessTokenVerifier(server, [server.userinfo])
        ),
        RevocationEndpoint(authentication=authentication, verifier=any_audience, state=state),
        IntrospectionEndpoint(server=server, authentication=authentication, verifier=any_audience),
        KeyRotation(server, cookies),
    ]

    async def http_error(request: Request, raised: Exception) -> Response:
        error = cast(HTTPException, raised)
        reason = HTTPStatus(error.status_code).phrase
        if "text/html" in request.headers.get("accept", ""):
            sentence = f"This address has no page ({reason})."
            response: Response = error_page(
                pages, sentence, status=error.status_code, continue_url="/"
            )
        else:
            response = PlainTextResponse(reason, error.status_code)
        response.headers.update(error.headers or {})
        return response

    async def refused(request: Request, raised: Exception) -> Response:
        return responses.refused(cast(RequestRefused, raised))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await state.aclose()

    return Starlette(
        routes=[*(route for endpoint in endpoints for route in endpoint.routes()), static_files()],
        # Only the own host name is served. Another site whose name points to this machine gets no
        # answer (DNS rebinding), and no cookies are shared with other servers on this machine.
        middleware=[
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=[urlsplit(issuer).hostname or ""],
                www_redirect=False,
            ),
            Middleware(BrowserClients, origins=browser_origins(registrations.clients.values())),
        ],
        exception_handlers={
            **error_pages(pages),
            RequestRefused: refused,
            OAuthError: _oauth_error,
            HTTPException: http_error,
            Exception: _server_error,
        },
        lifespan=lifespan,
    )


async def _oauth_error(request: Request, error: Exception) -> Response:
    return cast(OAuthError, error).response()


async def _server_error(request: Request, error: Exception) -> Response:
    # The error is in the log only: its text may quote another request.
    return PlainTextResponse("The server failed to answer. Please try again.", 500, dict(NO_STORE))
