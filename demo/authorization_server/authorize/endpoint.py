"""The authorization endpoint: the story of one request, from parameters to answer.

    parameters -> a request, or a fault                         (authorization_request)
    no sign-in that will do -> the sign-in page -> POST /authorize/sign-in -> here again
    no consent to exactly these scopes -> the consent page -> POST /authorize/consent
    -> code, tokens, or an error, to the redirect URI           (answers)

Nothing is kept for somebody who has not signed in: the pages carry the request in the addresses
of their forms, and every step judges it anew (RFC 6749 §4.1, OpenID Connect Core §3.1.2, §3.3.2).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from demo.authorization_server.authorize import consent, sign_in
from demo.authorization_server.authorize.error_page import (
    Step,
    error_page,
    faults_shown,
)
from demo.authorization_server.authorize.refusals import (
    Refusal,
    RequestRefused,
    RequestUnusable,
)
from demo.authorization_server.authorize.request import (
    AuthorizationRequest,
    authorization_request,
)
from demo.authorization_server.authorize.response import Answers, redirect
from demo.authorization_server.authorize.sign_in_rules import (
    NOBODY_KNOWN,
    hinted_user,
    sign_in_needed,
)
from demo.authorization_server.keys.signing_key import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.parameters import (
    Parameters,
    form_parameters,
    query_parameters,
    sent_parameters,
)
from demo.authorization_server.state.sessions import Session
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import Issuing
from demo.pages.rendering import Pages

PATH = "/authorize"

_STEPS = (sign_in.PATH, consent.PATH)

_SCRIPTS = Path(__file__).parents[1] / "scripts"

_STALE = "You have signed in or out since this page was shown, or it was for another request."


@dataclass(frozen=True, slots=True)
class _SignedIn:
    secret: str = field(repr=False)
    session: Session


class AuthorizeEndpoint:
    """Answers at /authorize, and takes what the sign-in page and the consent page send.

    Arguments:
        issuer: the identifier of this server, with its final slash.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        *,
        issuer: str,
        registrations: Registrations,
        keys: SigningKeys,
        state: State,
        issuing: Issuing,
        pages: Pages,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._registrations = registrations
        self._keys = keys
        self._state = state
        self._pages = pages
        self._clock = clock
        self._answers = Answers(issuer=issuer, state=state, issuing=issuing, pages=pages)
        self._cookies = Cookies(issuer)

    def routes(self) -> list[BaseRoute]:
        """Return the routes; the scripts of the pages are among them."""
        return [
            Route(PATH, self._answered(self._authorize), methods=["GET", "POST"]),
            Route(sign_in.PATH, self._answered(self._sign_in), methods=["POST"]),
            Route(consent.PATH, self._answered(self._consent), methods=["POST"]),
            *(Route(step, self._answered(self._begun_again)) for step in _STEPS),
            Mount("/scripts", StaticFiles(directory=_SCRIPTS)),
        ]

    async def _authorize(self, http: Request) -> Response:
        asked = self._asked(await sent_parameters(http))
        if http.method == "POST":
            # Cookies do not come along with another site's form, but they do with this redirect.
            return _again(asked)
        hinted = self._hinted_user(asked)
        signed_in = await self._signed_in(http)
        if signed_in is None or sign_in_needed(asked, signed_in.session, hinted, self._clock()):
            if "none" in asked.prompts:
                raise _refused(asked, Refusal("login_required", "The user has to sign in."))
            known = hinted or (signed_in.session.username if signed_in else None)
            return self._sign_in_page(http, asked, known)
        session = signed_in.session
        if hinted not in {None, NOBODY_KNOWN, session.username}:
            await self._state.sessions.mark_answered(signed_in.secret)
            raise _refused(asked, Refusal("login_required", "Another user has signed in."))
        if await self._consent_needed(asked, session):
            if "none" in asked.prompts:
                raise _refused(asked, Refusal("consent_required", "The user has to be asked."))
            return self._consent_page(http, asked, signed_in)
        return await self._granted(asked, signed_in)

    async def _sign_in(self, http: Request) -> Response:
        form = await form_parameters(http)
        self._cookies.check_form(http, form)
        asked = self._asked(query_parameters(http))
        username = form.values.get("username", "")
        user = await sign_in.authenticated(
            self._registrations.users, username, form.values.get("password", "")
        )
        if user is None:
            return self._sign_in_page(http, asked, username, wrong=True)
        # A new secret each time: one that somebody planted in the browser opens nothing.
        previous = self._cookies.session_secret(http)
        if previous is not None:
            await self._state.sessions.close(previous)
        secret = await self._state.sessions.open(user.username, signed_in_for=asked.digest)
        response = _again(asked)
        self._cookies.keep_session(response, secret)
        return response

    async def _begun_again(self, http: Request) -> Response:
        # The address of a form that was sent, loaded anew: what it was sent for goes on.
        return _again(self._asked(query_parameters(http)))

    async def _consent(self, http: Request) -> Response:
        form = await form_parameters(http)
        self._cookies.check_form(http, form)
        asked = self._asked(query_parameters(http))
        hinted = self._hinted_user(asked)
        signed_in = await self._signed_in(http)
        shown_to = form.values.get("shown_to", "")
        if signed_in is None or not consent.is_for(shown_to, signed_in.secret, asked):
            onward = f"{PATH}?{asked.query}"
            return error_page(self._pages, _STALE, status=403, onward=onward)
        username = signed_in.session.username
        another = hinted not in {None, NOBODY_KNOWN, username}
        if another or sign_in_needed(asked, signed_in.session, hinted, self._clock()):
            return _again(asked)
        decision = form.values.get("decision")
        if decision == "allow":
            permissions = asked.permissions
            await self._state.sessions.remember_consent(
                username,
                asked.client.client_id,
                permissions.audience,
                frozenset(permissions.scopes),
            )
            return await self._granted(asked, signed_in)
        if decision == "deny":
            await self._state.sessions.mark_answered(signed_in.secret)
            raise _refused(asked, Refusal("access_denied", "The user did not allow it."))
        raise RequestUnusable("The decision is neither to allow nor to deny.")

    def _asked(self, sent: Parameters) -> AuthorizationRequest:
        return authorization_request(sent, self._registrations)

    def _hinted_user(self, asked: AuthorizationRequest) -> str | None:
        return hinted_user(asked, self._issuer, self._keys.published(self._clock()))

    async def _signed_in(self, http: Request) -> _SignedIn | None:
        secret = self._cookies.session_secret(http)
        session = None if secret is None else await self._state.sessions.find(secret)
        if secret is None or session is None or session.username not in self._registrations.users:
            return None
        return _SignedIn(secret, session)

    async def _consent_needed(self, asked: AuthorizationRequest, session: Session) -> bool:
        if "consent" in asked.prompts or not asked.client_is_certain:
            return True
        consented = await self._state.sessions.consented_scopes(
            session.username, asked.client.client_id, asked.permissions.audience
        )
        return consented != frozenset(asked.permissions.scopes)

    async def _granted(self, asked: AuthorizationRequest, signed_in: _SignedIn) -> Response:
        await self._state.sessions.mark_answered(signed_in.secret)
        return await self._answers.granted(asked, signed_in.session)

    def _sign_in_page(
        self, http: Request, asked: AuthorizationRequest, known: str | None, *, wrong: bool = False
    ) -> Response:
        csrf = self._cookies.csrf_value(http)
        response = sign_in.sign_in_page(
            self._pages, self._registrations, asked, csrf=csrf, username=known, wrong=wrong
        )
        self._cookies.keep_csrf(response, csrf)
        return response

    def _consent_page(
        self, http: Request, asked: AuthorizationRequest, signed_in: _SignedIn
    ) -> Response:
        csrf = self._cookies.csrf_value(http)
        response = consent.consent_page(
            self._pages,
            asked,
            csrf=csrf,
            username=signed_in.session.username,
            session_secret=signed_in.secret,
        )
        self._cookies.keep_csrf(response, csrf)
        return response

    def _answered(self, step: Step) -> Step:
        async def told(http: Request) -> Response:
            try:
                return await step(http)
            except RequestRefused as refused:
                return self._answers.refused(refused)

        return faults_shown(self._pages, told)


def _again(asked: AuthorizationRequest) -> Response:
    return redirect(f"{PATH}?{asked.query}")


def _refused(asked: AuthorizationRequest, refusal: Refusal) -> RequestRefused:
    return RequestRefused(asked.destination, refusal)
