"""The authorization endpoint: leads one request from its parameters to the response.

    parameters -> a valid request, or a fault                   (request)
    sign-in needed -> the sign-in page -> POST /authorize/sign-in -> /authorize again
    no consent to exactly these scopes -> the consent page -> POST /authorize/consent
    -> code, tokens or an error, to the redirect URI            (response)

The server stores nothing until a person has signed in: the forms of the pages carry the request in
their URLs, and every step checks it again (RFC 6749 §4.1, OpenID Connect Core §3.1.2, §3.3.2).
"""

from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from demo.authorization_server.authorize import consent, sign_in
from demo.authorization_server.authorize.error_page import error_page
from demo.authorization_server.authorize.refusals import Refusal, RequestRefused, RequestUnusable
from demo.authorization_server.authorize.request import AuthorizationRequest, authorization_request
from demo.authorization_server.authorize.response import AuthorizationResponses, redirect
from demo.authorization_server.authorize.sign_in_rules import (
    UNKNOWN_USER,
    hinted_user,
    sign_in_needed,
)
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.parameters import (
    Parameters,
    query_parameters,
    sent_parameters,
)
from demo.authorization_server.server import Server
from demo.authorization_server.state.sessions import Session
from demo.pages.rendering import Pages

PATH = "/authorize"

_STEPS = (sign_in.PATH, consent.PATH)

_SCRIPTS = Path(__file__).parents[1] / "scripts"

_STALE_PAGE = (
    "This page is no longer valid: you have signed in or out since it was shown, or it belongs to "
    "another request. Please continue from here."
)


@dataclass(frozen=True, slots=True)
class _SignedIn:
    secret: str = field(repr=False)
    session: Session


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeEndpoint:
    """Answers at /authorize, and receives the forms of the sign-in page and the consent page."""

    server: Server
    cookies: Cookies
    responses: AuthorizationResponses
    pages: Pages

    def routes(self) -> list[BaseRoute]:
        """Return the routes; the scripts of the pages are among them."""
        return [
            Route(PATH, self._authorize, methods=["GET", "POST"]),
            Route(sign_in.PATH, self._sign_in, methods=["POST"]),
            Route(consent.PATH, self._consent, methods=["POST"]),
            *(Route(step, self._restart) for step in _STEPS),
            Mount("/scripts", StaticFiles(directory=_SCRIPTS)),
        ]

    async def _authorize(self, http: Request) -> Response:
        request = self._request(await sent_parameters(http))
        if http.method == "POST":
            # Browsers send no cookies with a form of another site, but they do with this redirect.
            return _redirect_to(request)
        hinted = self._hinted_user(request)
        signed_in = await self._signed_in(http)
        now = self.server.clock()
        if signed_in is None or sign_in_needed(request, signed_in.session, hinted, now):
            if "none" in request.prompts:
                raise _refused(request, Refusal("login_required", "The user has to sign in."))
            username = hinted or (signed_in.session.username if signed_in else None)
            return self._sign_in_page(http, request, username)
        session = signed_in.session
        if hinted not in {None, UNKNOWN_USER, session.username}:
            await self.server.state.sessions.mark_answered(signed_in.secret)
            raise _refused(request, Refusal("login_required", "Another user has signed in."))
        if await self._consent_needed(request, session):
            if "none" in request.prompts:
                raise _refused(request, Refusal("consent_required", "The user has to consent."))
            return self._consent_page(http, request, signed_in)
        return await self._granted(request, signed_in)

    async def _sign_in(self, http: Request) -> Response:
        form = await self.cookies.own_form(http)
        request = self._request(query_parameters(http))
        username = form.values.get("username", "")
        user = await sign_in.authenticated(
            self.server.registrations.users, username, form.values.get("password", "")
        )
        if user is None:
            return self._sign_in_page(http, request, username, wrong=True)
        # Always a new secret: a session that an attacker planted in the browser stays useless.
        if previous := self.cookies.session_secret(http):
            await self.server.state.sessions.close(previous)
        secret = await self.server.state.sessions.open(user.username, signed_in_for=request.digest)
        response = _redirect_to(request)
        self.cookies.keep_session(response, secret)
        return response

    async def _restart(self, http: Request) -> Response:
        # The person reloaded the URL of a form: continue with its request.
        return _redirect_to(self._request(query_parameters(http)))

    async def _consent(self, http: Request) -> Response:
        form = await self.cookies.own_form(http)
        request = self._request(query_parameters(http))
        hinted = self._hinted_user(request)
        signed_in = await self._signed_in(http)
        page_token = form.values.get("page_token", "")
        if signed_in is None or not consent.is_page_token(page_token, signed_in.secret, request):
            continue_url = f"{PATH}?{request.query}"
            return error_page(self.pages, _STALE_PAGE, status=403, continue_url=continue_url)
        username = signed_in.session.username
        is_other_user = hinted not in {None, UNKNOWN_USER, username}
        if is_other_user or sign_in_needed(request, signed_in.session, hinted, self.server.clock()):
            return _redirect_to(request)
        decision = form.values.get("decision")
        if decision == "allow":
            permissions = request.permissions
            await self.server.state.sessions.remember_consent(
                username,
                request.client.client_id,
                permissions.audience,
                frozenset(permissions.scopes),
            )
            return await self._granted(request, signed_in)
        if decision == "deny":
            await self.server.state.sessions.mark_answered(signed_in.secret)
            raise _refused(request, Refusal("access_denied", "The user denied the request."))
        raise RequestUnusable("The form has no decision: expected allow or deny.")

    def _request(self, sent: Parameters) -> AuthorizationRequest:
        return authorization_request(sent, self.server.registrations)

    def _hinted_user(self, request: AuthorizationRequest) -> str | None:
        return hinted_user(request, self.server.issuer, self.server.published_keys())

    async def _signed_in(self, http: Request) -> _SignedIn | None:
        secret = self.cookies.session_secret(http)
        session = await self.server.state.sessions.find(secret)
        if session is None or session.username not in self.server.registrations.users:
            return None
        return _SignedIn(secret, session)

    async def _consent_needed(self, request: AuthorizationRequest, session: Session) -> bool:
        if "consent" in request.prompts or not request.client_cannot_be_impersonated:
            return True
        consented = await self.server.state.sessions.consented_scopes(
            session.username, request.client.client_id, request.permissions.audience
        )
        return consented != frozenset(request.permissions.scopes)

    async def _granted(self, request: AuthorizationRequest, signed_in: _SignedIn) -> Response:
        await self.server.state.sessions.mark_answered(signed_in.secret)
        return await self.responses.granted(request, signed_in.session)

    def _sign_in_page(
        self,
        http: Request,
        request: AuthorizationRequest,
        username: str | None,
        *,
        wrong: bool = False,
    ) -> Response:
        csrf = self.cookies.csrf_value(http)
        users = self.server.registrations.users
        response = sign_in.sign_in_page(
            self.pages, users, request, csrf=csrf, username=username, wrong=wrong
        )
        self.cookies.keep_csrf(response, csrf)
        return response

    def _consent_page(
        self, http: Request, request: AuthorizationRequest, signed_in: _SignedIn
    ) -> Response:
        csrf = self.cookies.csrf_value(http)
        response = consent.consent_page(
            self.pages,
            request,
            csrf=csrf,
            username=signed_in.session.username,
            session_secret=signed_in.secret,
        )
        self.cookies.keep_csrf(response, csrf)
        return response


def _redirect_to(request: AuthorizationRequest) -> Response:
    return redirect(f"{PATH}?{request.query}")


def _refused(request: AuthorizationRequest, refusal: Refusal) -> RequestRefused:
    return RequestRefused(request.destination, refusal)
