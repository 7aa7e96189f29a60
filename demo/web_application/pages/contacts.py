"""The contacts page: the response of the API, and after a 403, a sign-in for the missing scope."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.pages.rendering import Pages, redirect
from demo.web_application.flow.contacts_api import ContactsApi
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.flow.refresh import refreshed_if_needed
from demo.web_application.provider.authorization_request import (
    authorization_url,
    parameters,
    selection,
)
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.session.browser import Browser, BrowserSessions, ErrorPage
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings


@dataclass(frozen=True, slots=True)
class MissingScopes:
    """The scopes that a 403 names and the sign-in lacks.

    Arguments:
        names: empty if the API names none: then a rule refused the token.
        requested: whether the sign-in requested all of them already.
        url: of an authorization request for them; empty if there is no use in one.
    """

    names: tuple[str, ...]
    requested: bool = False
    url: str = ""


@dataclass(frozen=True, slots=True)
class ContactsPage:
    """`GET /contacts`."""

    settings: WebApplicationSettings
    flow: HybridFlow
    api: ContactsApi
    sessions: BrowserSessions
    pages: Pages

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [Route("/contacts", self.contacts, methods=["GET"])]

    async def contacts(self, request: Request) -> Response:
        """Call the API with one of the two access tokens, and show its response."""
        which = request.query_params.get("token", "exchanged")
        async with self.sessions.of(request) as browser:
            signed_in = browser.session.signed_in
            if signed_in is None:
                return redirect(self.settings.address)
            signed_in, token = await self._access_token(browser, signed_in, which)
            answer = await self.api.contacts(token)
            missing = None
            if answer.exchange.status == 403:
                missing = await self._missing_scopes(browser, signed_in, answer.exchange.scopes)
            context = {
                "answer": answer,
                "which": which,
                "missing": missing,
                "signed_in": signed_in,
                "has_front_channel": "access_token" in signed_in.response,
            }
            return self.pages.response("contacts.html", context)

    async def _access_token(
        self, browser: Browser, signed_in: SignedIn, which: str
    ) -> tuple[SignedIn, str]:
        if which == "front-channel" and "access_token" in signed_in.response:
            return signed_in, signed_in.response["access_token"]
        if which != "exchanged":
            raise ErrorPage(404, "Token not found", "This sign-in has no such access token.")
        current = await refreshed_if_needed(self.flow, signed_in)
        if current is not signed_in:
            await self.sessions.save(browser, replace(browser.session, signed_in=current))
        return current, current.tokens.access_token

    async def _missing_scopes(
        self, browser: Browser, signed_in: SignedIn, needed: Sequence[str]
    ) -> MissingScopes:
        granted = signed_in.tokens.scope.split()
        names = tuple(name for name in needed if name not in granted) or tuple(needed)
        earlier = signed_in.transaction.selection
        wanted = selection(earlier.response_type, (*earlier.scopes, *names), self.settings.scopes)
        requested = set(names) <= set(earlier.scopes)
        # The challenge is text of another party: only scopes of the start page are requested.
        if not names or requested or not set(names) <= set(wanted.scopes):
            return MissingScopes(names, requested)
        try:
            endpoint = (await self.flow.provider.metadata()).authorization_endpoint
        except ProviderUnavailable:
            return MissingScopes(names)
        transaction = self.flow.begin(wanted)
        await self.sessions.save(browser, browser.session.with_pending(transaction))
        url = authorization_url(endpoint, parameters(self.settings, transaction))
        return MissingScopes(names, url=url)
