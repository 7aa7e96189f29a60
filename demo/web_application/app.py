"""The web application as one Starlette application: its parts and its routes."""

import secrets
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from asgi_bearer import remote_keys
from demo.log_names import WEB_APPLICATION, key_observer
from demo.pages.rendering import Pages, Party, static_files
from demo.web_application.breakage.verdicts import Targets
from demo.web_application.checks.id_token import IdTokens
from demo.web_application.flow.contacts_api import ContactsApi
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.pages.contacts import ContactsPage
from demo.web_application.pages.error_pages import error_pages
from demo.web_application.pages.session import SessionPages
from demo.web_application.pages.sign_in import SignInPages
from demo.web_application.provider.discovery import Provider
from demo.web_application.provider.http import ClientFetch
from demo.web_application.provider.token_endpoint import TokenEndpoint
from demo.web_application.session.browser import BrowserSessions
from demo.web_application.session.store import Sessions
from demo.web_application.settings import WebApplicationSettings

_HERE = Path(__file__).parent


def create_web_application(
    settings: WebApplicationSettings,
    *,
    sessions: Sessions,
    http: httpx.AsyncClient,
    clock: Callable[[], float] = time.time,
    token: Callable[[], str] = lambda: secrets.token_urlsafe(32),
) -> Starlette:
    """Return the application.

    Arguments:
        sessions: prepared; the application closes it at shutdown.
        http: for the provider and the API; the caller closes it. For parties on this machine, it
            should not read proxies from the environment.
        clock: seconds since the epoch.
        token: returns a random value for state, nonce and the like: at least 43 unreserved
            characters (RFC 7636 §4.1).
    """
    provider = Provider(settings.issuer, http, clock=clock)
    keys = remote_keys(
        issuer=settings.issuer, fetch=ClientFetch(http), observer=key_observer(WEB_APPLICATION)
    )
    flow = HybridFlow(
        provider=provider,
        endpoint=TokenEndpoint(settings, provider, http),
        id_tokens=IdTokens(settings.issuer, settings.client_id, keys),
        clock=clock,
        token=token,
    )
    api = ContactsApi(settings.api, http)
    targets = Targets(settings, flow, api)
    pages = Pages(_HERE / "templates", Party("web-application", "Contact book", settings.address))
    browsers = BrowserSessions(settings, sessions, token)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
        yield
        await keys.aclose()
        await sessions.aclose()

    return Starlette(
        routes=[
            *SignInPages(settings, flow, browsers, pages).routes(),
            *SessionPages(settings, flow, targets, browsers, pages).routes(),
            *ContactsPage(settings, flow, api, browsers, pages).routes(),
            static_files(),
            Mount("/scripts", StaticFiles(directory=_HERE / "scripts")),
        ],
        # Against DNS rebinding: requests with another host name are refused.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[settings.host])],
        exception_handlers=error_pages(pages),
        lifespan=lifespan,
    )
