"""The pages of a sign-in: the start page with the authorization URL, and the callback."""

from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.pages.rendering import Pages, redirect
from demo.web_application.flow.hybrid_flow import HybridFlow, SignInFailed
from demo.web_application.provider.authorization_request import (
    RESPONSE_TYPES,
    authorization_url,
    parameters,
    selection,
    with_state,
)
from demo.web_application.provider.authorization_response import ResponseMalformed, parsed
from demo.web_application.session.browser import BrowserSessions, ErrorPage, form_fields
from demo.web_application.session.session import Session
from demo.web_application.settings import WebApplicationSettings

_RESPONSE_PARAMETERS = frozenset(
    {"code", "state", "error", "id_token", "access_token", "iss", "error_description"}
)


@dataclass(frozen=True, slots=True)
class SignInPages:
    """`GET /`, `GET /callback`, `POST /callback`."""

    settings: WebApplicationSettings
    flow: HybridFlow
    sessions: BrowserSessions
    pages: Pages

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self.start, methods=["GET"]),
            Route("/callback", self.callback, methods=["GET"]),
            Route("/callback", self.response, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """Show the selection and the authorization URL for it."""
        offered = self.settings.scopes
        query = request.query_params
        selected = selection(query.get("response_type"), query.getlist("scope"), offered)
        metadata = await self.flow.provider.metadata()
        async with self.sessions.of(request) as browser:
            transaction = self.flow.begin(selected)
            sent = parameters(self.settings, transaction)
            context = {
                "response_types": RESPONSE_TYPES,
                "offered": offered,
                "selected": selected,
                "endpoint": metadata.authorization_endpoint,
                "parameters": sent,
                "url": authorization_url(metadata.authorization_endpoint, sent),
                "signed_in": browser.session.signed_in,
                "issuer": self.settings.issuer,
                "api": self.settings.api,
                "address": self.settings.address,
            }
            response = self.pages.response("start.html", context)
            session = browser.session.with_pending(transaction)
            await self.sessions.open_or_save(browser, session, response)
            return response

    async def callback(self, request: Request) -> Response:
        """Return the page whose script posts the fragment, which browsers do not send."""
        async with self.sessions.of(request) as browser:
            if _RESPONSE_PARAMETERS.isdisjoint(request.query_params):
                context = {"form_token": browser.session.form_token}
                return self.pages.response("callback.html", context)
            # Pending requests stay: any site can lead a browser to this address.
            sentence = (
                "The authorization response is in the query of the URL. In the Hybrid Flow it must "
                "be in the fragment: a query appears in logs and Referer headers. The response was "
                "not used."
            )
            raise ErrorPage(400, "The response is in the query", sentence)

    async def response(self, request: Request) -> Response:
        """Check the authorization response, exchange the code, and redirect to the session page."""
        fields = await form_fields(request)
        async with self.sessions.of(request) as browser:
            if browser.cookie is not None:
                self.sessions.check_form(request, browser, fields)
            try:
                received = parsed(fields.get("fragment", ""))
            except ResponseMalformed as error:
                raise ErrorPage(
                    400, "The response cannot be read", f"The fragment: {error}."
                ) from None
            pending = browser.session.pending
            transaction = with_state(pending, received.get("state", ""))
            if transaction is not None:
                # A request accepts one response, valid or not. Other requests stay: a response
                # with an unknown state must not end them.
                rest = tuple(one for one in pending if one is not transaction)
                await self.sessions.save(browser, replace(browser.session, pending=rest))
            try:
                signed_in = await self.flow.finish(received, pending)
            except SignInFailed as error:
                title, sentence = _title_and_sentence(error)
                context = {
                    "title": title,
                    "sentence": sentence,
                    "response_checks": error.response_checks,
                    "exchange_checks": error.exchange_checks,
                    "was_signed_in": browser.session.signed_in is not None,
                }
                status = 400 if error.failed.judged else 503
                return self.pages.response("refused.html", context, status=status)
            response = redirect(f"{self.settings.address}session")
            session = Session(self.flow.token(), browser.session.pending, signed_in)
            try:
                await self.sessions.renew(browser, session, response)
            except ErrorPage:
                await self.flow.endpoint.revoke(signed_in.tokens.refresh_token)
                raise
            return response


def _title_and_sentence(error: SignInFailed) -> tuple[str, str]:
    failed = error.failed
    if not failed.judged:
        return (
            "The response could not be checked",
            "The authorization server or its keys are not available. This application does not "
            "use a response that it could not check. Sign in again from the start page.",
        )
    if failed.error == "access_denied":
        return (
            "You denied access",
            "The authorization server reports access_denied: this application gets no permissions "
            "and no tokens. You are not signed in.",
        )
    if failed.error:
        return (
            f"The authorization server reports {failed.error[:60]}",
            "You are not signed in. The failed check below shows the error.",
        )
    if error.exchange_checks[0].outcome == "passed":
        consequence = "The tokens that the code was exchanged for were discarded."
    else:
        consequence = "The checks after it were not made, and the code was not exchanged."
    return "The response was refused", f"The check “{failed}” failed. {consequence}"
