"""The session page, and its forms: refresh, the attacks of "Break it", and sign-out."""

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from demo.pages.rendering import Pages, redirect
from demo.web_application.breakage.attacks import after_replay, menu
from demo.web_application.breakage.verdicts import Targets
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.flow.refresh import RefreshFailed, refreshed, refreshed_if_needed
from demo.web_application.pages.session_view import session_view
from demo.web_application.provider.discovery import Metadata, ProviderUnavailable
from demo.web_application.session.browser import Browser, BrowserSessions, ErrorPage, form_fields
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings


@dataclass(frozen=True, slots=True)
class SessionPages:
    """`GET /session`, `POST /refresh`, `POST /break/{name}`, `POST /sign-out`."""

    settings: WebApplicationSettings
    flow: HybridFlow
    targets: Targets
    sessions: BrowserSessions
    pages: Pages

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/session", self.session, methods=["GET"]),
            Route("/refresh", self.refresh, methods=["POST"]),
            Route("/break/{name}", self.break_it, methods=["POST"]),
            Route("/sign-out", self.sign_out, methods=["POST"]),
        ]

    async def session(self, request: Request) -> Response:
        """Show who is signed in, the results of the checks, and the tokens."""
        async with self.sessions.of(request) as browser:
            signed_in = browser.session.signed_in
            if signed_in is None:
                return redirect(self.settings.address)
            return await self._session_page(browser, signed_in)

    async def refresh(self, request: Request) -> Response:
        """Use the refresh token."""
        async with self.sessions.of(request) as browser:
            signed_in = await self._signed_in(request, browser)
            try:
                signed_in = await refreshed(self.flow, signed_in)
            except RefreshFailed as failed:
                await self._save(browser, failed.remaining)
                status = 400 if failed.judged else 503
                return await self._session_page(
                    browser, failed.remaining, error=str(failed), status=status
                )
            await self._save(browser, signed_in)
            return redirect(f"{self.settings.address}session")

    async def break_it(self, request: Request) -> Response:
        """Make an attack and show its result."""
        async with self.sessions.of(request) as browser:
            signed_in = await self._signed_in(request, browser)
            name = request.path_params["name"]
            attack = next((one for one in menu(self.settings) if one.name == name), None)
            if attack is None:
                raise ErrorPage(404, "Page not found", "There is no such entry in the menu.")
            if name == "signature":
                # The API must refuse the access token for its signature, not because it expired.
                signed_in = await refreshed_if_needed(self.flow, signed_in)
                await self._save(browser, signed_in)
            changed, verdicts = await attack.outcome(self.targets, signed_in)
            if name == "code-replay":
                await self._save(browser, after_replay(signed_in, verdicts))
            return self.pages.response(
                "attack.html", {"title": attack.title, "changed": changed, "verdicts": verdicts}
            )

    async def sign_out(self, request: Request) -> Response:
        """End the session here, and redirect to the provider's sign-out."""
        async with self.sessions.of(request) as browser:
            signed_in = await self._signed_in(request, browser)
            await self.flow.endpoint.revoke(signed_in.tokens.refresh_token)
            response = redirect(await self._sign_out_url(signed_in))
            await self.sessions.close(browser, response)
            return response

    async def _signed_in(self, request: Request, browser: Browser) -> SignedIn:
        self.sessions.check_form(request, browser, await form_fields(request))
        if browser.session.signed_in is None:
            raise ErrorPage(403, "You are not signed in", "Go to the start page and sign in.")
        return browser.session.signed_in

    async def _save(self, browser: Browser, signed_in: SignedIn) -> None:
        await self.sessions.save(browser, replace(browser.session, signed_in=signed_in))

    async def _session_page(
        self, browser: Browser, signed_in: SignedIn, *, error: str = "", status: int = 200
    ) -> Response:
        metadata = await self._metadata()
        # The sign-out form is answered by a redirect, which the policy has to allow.
        origin = metadata.sign_out_origin if metadata else None
        context = {
            "form_token": browser.session.form_token,
            "signed_in": signed_in,
            "view": session_view(signed_in, int(self.flow.clock())),
            "menu": menu(self.settings),
            "issuer": self.settings.issuer,
            "error": error,
        }
        return self.pages.response(
            "session.html", context, status=status, form_action=[origin] if origin else []
        )

    async def _sign_out_url(self, signed_in: SignedIn) -> str:
        metadata = await self._metadata()
        endpoint = metadata.end_session_endpoint if metadata else None
        if endpoint is None:
            return self.settings.address
        query = urlencode(
            {
                "id_token_hint": signed_in.tokens.id_token,
                "client_id": self.settings.client_id,
                "post_logout_redirect_uri": self.settings.address,
            }
        )
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{query}"

    async def _metadata(self) -> Metadata | None:
        # The session and the sign-out work while the provider is not available.
        try:
            return await self.flow.provider.metadata()
        except ProviderUnavailable:
            return None
