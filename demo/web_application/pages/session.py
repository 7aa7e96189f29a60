"""The pages behind the sign-in: the session, its contacts, refreshing, breaking, signing out."""

from dataclasses import replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from demo.pages.rendering import SECURITY_HEADERS, Pages
from demo.web_application.breakage.attacks import Breakage, after_replay
from demo.web_application.flow.contacts_api import ContactsApi
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.flow.refresh import RefreshFailed, refreshed
from demo.web_application.pages.session_view import session_shown
from demo.web_application.provider.discovery import Metadata, ProviderUnavailable
from demo.web_application.session.browser import Fault, Visit, Visits, form_fields
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

SOON = 10
"""Seconds; an access token that ends so soon is refreshed before it is sent."""


class SessionPages:
    """`GET /session`, `GET /contacts`, `POST /refresh`, `POST /break/{what}`, `POST /sign-out`."""

    def __init__(
        self,
        settings: WebApplicationSettings,
        flow: HybridFlow,
        api: ContactsApi,
        breakage: Breakage,
        visits: Visits,
        pages: Pages,
    ) -> None:
        self._settings = settings
        self._flow = flow
        self._api = api
        self._breakage = breakage
        self._visits = visits
        self._pages = pages

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/session", self.session, methods=["GET"]),
            Route("/contacts", self.contacts, methods=["GET"]),
            Route("/refresh", self.refresh, methods=["POST"]),
            Route("/break/{what}", self.break_it, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def session(self, request: Request) -> Response:
        """Who is signed in, what was checked, and the tokens."""
        async with self._visits.visit(request) as visit:
            signed_in = visit.session.signed_in
            if signed_in is None:
                return self._to("")
            return await self._session_page(visit, signed_in)

    async def contacts(self, request: Request) -> Response:
        """The API's answer to one access token or the other."""
        which = request.query_params.get("token", "exchanged")
        async with self._visits.visit(request) as visit:
            signed_in = visit.session.signed_in
            if signed_in is None:
                return self._to("")
            if which not in {"exchanged", "front-channel"}:
                raise Fault(404, "Nothing here", "There is no such token.")
            response = Response()
            token = signed_in.response.get("access_token")
            if which == "exchanged":
                signed_in = await self._with_fresh_token(visit, signed_in, response)
                token = signed_in.tokens.access_token
            if token is None:
                raise Fault(
                    404, "No such token", "No access token came through the browser this time."
                )
            answer = await self._api.contacts(token)
            context = {
                "answer": answer,
                "which": which,
                "signed_in": signed_in,
                "has_front_channel": "access_token" in signed_in.response,
            }
            return self._pages.response("contacts.html", context)

    async def refresh(self, request: Request) -> Response:
        """New tokens for the refresh token."""
        async with self._visits.visit(request) as visit:
            signed_in = await self._signed_in(request, visit)
            response = self._to("session")
            try:
                signed_in = await refreshed(self._flow, signed_in)
            except RefreshFailed as failed:
                await self._keep(visit, failed.left, response)
                status = 400 if failed.judged else 503
                return await self._session_page(
                    visit, failed.left, fault=str(failed), status=status
                )
            await self._keep(visit, signed_in, response)
            return response

    async def break_it(self, request: Request) -> Response:
        """What happens when one thing is changed."""
        async with self._visits.visit(request) as visit:
            signed_in = await self._signed_in(request, visit)
            what = request.path_params["what"]
            response = Response()
            if what == "signature":
                # The API shall refuse it for the signature, not for its age.
                signed_in = await self._with_fresh_token(visit, signed_in, response)
            broken = await self._breakage.broken(what, signed_in)
            if broken is None:
                raise Fault(404, "Nothing here", "That cannot be broken.")
            if what == "code-replay":
                left = after_replay(signed_in, broken.attempts)
                await self._keep(visit, left, response)
            return self._pages.response("attack.html", {"broken": broken})

    async def sign_out(self, request: Request) -> Response:
        """The end of the session here, and the way to end it at the provider."""
        async with self._visits.visit(request) as visit:
            signed_in = await self._signed_in(request, visit)
            await self._flow.revocation.revoke(signed_in)
            response = self._redirect(await self._sign_out_address(signed_in))
            await self._visits.close(visit, response)
            return response

    async def _signed_in(self, request: Request, visit: Visit) -> SignedIn:
        self._visits.check_form(request, visit, await form_fields(request))
        if visit.session.signed_in is None:
            raise Fault(403, "Nobody is signed in", "Go back to the start and sign in.")
        return visit.session.signed_in

    async def _with_fresh_token(
        self, visit: Visit, signed_in: SignedIn, response: Response
    ) -> SignedIn:
        ends = signed_in.tokens.access_expires_at
        if ends is None or self._flow.clock() < ends - SOON or not signed_in.tokens.refresh_token:
            return signed_in
        try:
            left = await refreshed(self._flow, signed_in)
        except RefreshFailed as failed:
            # The API will say what it thinks of the old one.
            left = failed.left
        except ProviderUnavailable:
            if self._flow.clock() >= ends:
                raise
            left = signed_in
        await self._keep(visit, left, response)
        return left

    async def _keep(self, visit: Visit, signed_in: SignedIn, response: Response) -> None:
        await self._visits.keep(visit, replace(visit.session, signed_in=signed_in), response)

    async def _session_page(
        self, visit: Visit, signed_in: SignedIn, *, fault: str = "", status: int = 200
    ) -> Response:
        metadata = await self._metadata()
        # The form that signs out is answered by a redirect, which the policy has to allow.
        origin = metadata.sign_out_origin if metadata else None
        context = {
            "form_token": visit.session.form_token,
            "signed_in": signed_in,
            "shown": session_shown(signed_in, int(self._flow.clock())),
            "menu": self._breakage.menu(),
            "issuer": self._settings.issuer,
            "fault": fault,
        }
        return self._pages.response(
            "session.html", context, status=status, form_action=[origin] if origin else []
        )

    async def _sign_out_address(self, signed_in: SignedIn) -> str:
        metadata = await self._metadata()
        endpoint = metadata.end_session_endpoint if metadata else None
        if endpoint is None:
            return self._settings.address
        query = urlencode(
            {
                "id_token_hint": signed_in.tokens.id_token,
                "client_id": self._settings.client_id,
                "post_logout_redirect_uri": self._settings.address,
            }
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    async def _metadata(self) -> Metadata | None:
        # Who is signed in here stays so, and can sign out here, while the provider is away.
        try:
            return await self._flow.provider.metadata()
        except ProviderUnavailable:
            return None

    def _to(self, path: str) -> Response:
        return self._redirect(self._settings.address + path)

    def _redirect(self, url: str) -> Response:
        return RedirectResponse(url, 303, headers=dict(SECURITY_HEADERS))
