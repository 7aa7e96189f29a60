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

from resource_api.demo.authorization_server.authorize_endpoint import AuthorizeEndpoint
from resource_api.demo.authorization_server.browser_clients import (
    BrowserClients,
    browser_origins,
)
from resource_api.demo.authorization_server.client_authentication import ClientAuthentication
from resource_api.demo.authorization_server.error_page import error_page
from resource_api.demo.authorization_server.grant_types import GrantTypes
from resource_api.demo.authorization_server.introspection import IntrospectionEndpoint
from resource_api.demo.authorization_server.issuing import Issuing, userinfo_address
from resource_api.demo.authorization_server.key_rotation import KeyRotation
from resource_api.demo.authorization_server.logout import LogoutEndpoint
from resource_api.demo.authorization_server.metadata import Documents
from resource_api.demo.authorization_server.oauth_error import NO_STORE
from resource_api.demo.authorization_server.recorded_tokens import RecordedTokens
from resource_api.demo.authorization_server.registrations import Registrations
from resource_api.demo.authorization_server.revocation import RevocationEndpoint
from resource_api.demo.authorization_server.signing_key import SigningKeys
from resource_api.demo.authorization_server.state import State
from resource_api.demo.authorization_server.token_endpoint import TokenEndpoint
from resource_api.demo.authorization_server.userinfo import UserInfo
from resource_api.demo.pages.rendering import Pages, Party, static_files


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
    """Return the application; it closes the state when it ends.

    Arguments:
        issuer: its identifier, with the final slash that Auth0's have; also its address.
        state: prepared already.
        clock: seconds since the epoch, the same that the state goes by.
    """

    def recorded_tokens(*audience: str) -> RecordedTokens:
        return RecordedTokens(
            issuer=issuer,
            audience=audience,
            registrations=registrations,
            keys=keys,
            state=state,
            clock=clock,
        )

    pages = Pages(
        Path(__file__).parent / "templates",
        Party("authorization-server", "Authorization server", issuer),
    )
    userinfo = userinfo_address(issuer)
    issuing = Issuing(
        issuer=issuer, registrations=registrations, keys=keys, state=state, clock=clock
    )
    authentication = ClientAuthentication(registrations.clients)
    grant_types = GrantTypes(registrations=registrations, issuing=issuing, state=state, clock=clock)
    all_tokens = recorded_tokens(*registrations.apis, userinfo)
    endpoints: list[_Endpoint] = [
        Documents(issuer=issuer, registrations=registrations, keys=keys, pages=pages, clock=clock),
        AuthorizeEndpoint(
            issuer=issuer,
            registrations=registrations,
            keys=keys,
            state=state,
            issuing=issuing,
            pages=pages,
            clock=clock,
        ),
        LogoutEndpoint(
            issuer=issuer,
            registrations=registrations,
            keys=keys,
            state=state,
            pages=pages,
            clock=clock,
        ),
        TokenEndpoint(authentication=authentication, grant_types=grant_types),
        UserInfo(registrations=registrations, tokens=recorded_tokens(userinfo)),
        RevocationEndpoint(authentication=authentication, tokens=all_tokens, state=state),
        IntrospectionEndpoint(
            issuer=issuer,
            authentication=authentication,
            tokens=all_tokens,
            state=state,
            clock=clock,
        ),
        KeyRotation(issuer=issuer, apis=registrations.apis, keys=keys, clock=clock),
    ]

    async def not_here(request: Request, raised: Exception) -> Response:
        error = cast(HTTPException, raised)
        sentence = HTTPStatus(error.status_code).phrase
        if "text/html" in request.headers.get("accept", ""):
            words = f"There is no page here: {sentence}."
            answer: Response = error_page(pages, words, status=error.status_code, onward="/")
        else:
            answer = PlainTextResponse(sentence, error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            await state.aclose()

    return Starlette(
        routes=[*(route for endpoint in endpoints for route in endpoint.routes()), static_files()],
        # A page of somebody else's that has its name point here gets no answer (DNS rebinding), and
        # under another name of this machine the cookies would be shared with what runs there.
        middleware=[
            Middleware(
                TrustedHostMiddleware,
                allowed_hosts=[urlsplit(issuer).hostname or ""],
                www_redirect=False,
            ),
            Middleware(BrowserClients, origins=browser_origins(registrations.clients.values())),
        ],
        exception_handlers={HTTPException: not_here, Exception: _unforeseen},
        lifespan=lifespan,
    )


async def _unforeseen(request: Request, error: Exception) -> Response:
    # The log has the error; what it says may be about somebody else's request.
    return PlainTextResponse("Something went wrong here. Please try again.", 500, dict(NO_STORE))
