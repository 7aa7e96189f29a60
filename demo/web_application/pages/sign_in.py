"""The pages of the way in: the start page with its URL, and the callback with its checks."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from demo.pages.rendering import SECURITY_HEADERS, Pages
from demo.web_application.checks.results import Row
from demo.web_application.flow.hybrid_flow import HybridFlow, SignInFailed
from demo.web_application.provider.authorization_request import (
    LIFETIME,
    RESPONSE_TYPES,
    answered,
    authorization_url,
    parameters,
    selection,
)
from demo.web_application.provider.authorization_response import ResponseMalformed, parsed
from demo.web_application.session.browser import Fault, Visit, Visits, form_fields
from demo.web_application.session.session import Session, SignedIn
from demo.web_application.settings import WebApplicationSettings

MAX_PENDING = 30
"""Requests under way in one browser. Every view of the start page is one, so that no two tabs share
a `state`; the oldest go, and with them a tab whose person looked at so many others meanwhile."""

_RESPONSE_PARAMETERS = frozenset(
    {"code", "state", "error", "id_token", "access_token", "iss", "error_description"}
)


class SignInPages:
    """`GET /`, `GET /callback`, `POST /callback`."""

    def __init__(
        self,
        settings: WebApplicationSettings,
        flow: HybridFlow,
        visits: Visits,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._flow = flow
        self._visits = visits
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/", self.start, methods=["GET"]),
            Route("/callback", self.callback, methods=["GET"]),
            Route("/callback", self.answer, methods=["POST"]),
        ]

    async def start(self, request: Request) -> Response:
        """What can be chosen, and the URL that results."""
        offered = self._settings.scopes
        query = request.query_params
        chosen = selection(query.get("response_type"), query.getlist("scope"), offered)
        metadata = await self._flow.provider.metadata()
        async with self._visits.visit(request) as visit:
            transaction = self._flow.begin(chosen)
            sent = parameters(self._settings, transaction)
            context = {
                "response_types": RESPONSE_TYPES,
                "offered": offered,
                "chosen": chosen,
                "endpoint": metadata.authorization_endpoint,
                "parameters": sent,
                "url": authorization_url(metadata.authorization_endpoint, sent),
                "signed_in": visit.session.signed_in,
                "issuer": self._settings.issuer,
                "api": self._settings.api,
            }
            response = self._pages.response("start.html", context)
            alive = (
                kept
                for kept in visit.session.pending
                if transaction.started - kept.started <= LIFETIME
            )
            pending = (*alive, transaction)[-MAX_PENDING:]
            await self._visits.keep(visit, replace(visit.session, pending=pending), response)
            return response

    async def callback(self, request: Request) -> Response:
        """The page whose script hands the fragment on; a server does not get to see one."""
        async with self._visits.visit(request) as visit:
            if _RESPONSE_PARAMETERS.isdisjoint(request.query_params):
                context = {"form_token": visit.session.form_token}
                return self._pages.response("callback.html", context)
            # A query is written to logs and sent in Referer headers, with the code in it. It ends
            # no sign-in that is under way: any site can lead a browser here.
            sentence = (
                "It holds the answer to a sign-in in its query, where this flow must not put it: "
                "a query is seen by more parties than the fragment. Nothing of it was used."
            )
            return self._refused("The answer came in the query", sentence)

    async def answer(self, request: Request) -> Response:
        """The checks, the exchange, and the way on to the session page."""
        fields = await form_fields(request)
        async with self._visits.visit(request) as visit:
            if visit.secret is not None:
                self._visits.check_form(request, visit, fields)
            response: Response = RedirectResponse(
                f"{self._settings.address}session", 303, headers=SECURITY_HEADERS
            )
            try:
                received = parsed(fields.get("fragment", ""))
            except ResponseMalformed as error:
                return self._refused("The answer cannot be read", f"Its fragment: {error}.")
            pending = visit.session.pending
            transaction = answered(pending, received.get("state", ""))
            if transaction is not None:
                # Used up before anything else: an answer has one chance, whatever comes of it.
                # Only this one: an answer from nowhere must not end what is under way.
                left = tuple(kept for kept in pending if kept is not transaction)
                await self._visits.keep(visit, replace(visit.session, pending=left), response)
            try:
                signed_in = await self._flow.finish(received, pending)
            except SignInFailed as failed:
                return self._failed(failed, signed_in_before=visit.session.signed_in is not None)
            await self._renew(visit, signed_in, response)
            return response

    async def _renew(self, visit: Visit, signed_in: SignedIn, response: Response) -> None:
        session = Session(self._flow.token(), visit.session.pending, signed_in)
        try:
            await self._visits.renew(visit, session, response)
        except Fault:
            await self._flow.revocation.revoke(signed_in)
            raise

    def _refused(self, title: str, sentence: str) -> Response:
        context = {"title": title, "sentence": sentence}
        return self._pages.response("error.html", context, status=400)

    def _failed(self, failed: SignInFailed, *, signed_in_before: bool) -> Response:
        title, sentence = _words(failed)
        rows: tuple[Row, ...] = failed.rows
        context = {
            "title": title,
            "sentence": sentence,
            "rows": rows,
            "exchange_rows": failed.exchange_rows,
            "signed_in_before": signed_in_before,
        }
        return self._pages.response("refused.html", context, status=400 if failed.judged else 503)


def _words(failed: SignInFailed) -> tuple[str, str]:
    if not failed.judged:
        return (
            "The answer could not be checked",
            "The authorization server gave no answer that says anything, or its keys are not to be "
            "had. What is not checked is not used; sign in again from the start.",
        )
    if failed.error == "access_denied":
        return (
            "You said no",
            "The authorization server reports access_denied: this application was not given "
            "what it asked for. Nothing was kept.",
        )
    if failed.error:
        return (
            f"The authorization server says {failed.error[:60]}",
            "There is no sign-in. What it says about it stands in the row below.",
        )
    if failed.exchanged:
        happened = "What the code was exchanged for was thrown away, and nothing was kept."
    else:
        happened = "Nothing behind it was looked at, no code was exchanged, and nothing was kept."
    return "The answer was refused", f"The check “{failed}” failed. {happened}"
