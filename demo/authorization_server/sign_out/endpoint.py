"""Signing out because a client asks for it (OpenID Connect RP-Initiated Logout 1.0)."""

import time
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo.authorization_server.authorize.error_page import faults_shown
from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.authorize.response import redirect
from demo.authorization_server.authorize.response_mode import form_action, location
from demo.authorization_server.keys.signing_key import SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.parameters import (
    Parameters,
    form_parameters,
    query_parameters,
    sent_parameters,
)
from demo.authorization_server.sign_out.request import (
    LogoutRequest,
    given_parameters,
    logout_request,
)
from demo.authorization_server.state.state import State
from demo.authorization_server.token.id_token_hint import HintOutdated, HintUnusable, hint
from demo.pages.rendering import Pages

PATH = "/oidc/logout"

CONFIRMED_PATH = f"{PATH}/confirmed"


class LogoutEndpoint:
    """Signs out at once where the client shows an ID token of the person; otherwise asks first.

    An ID token whose key is not published any longer proves nothing, and is no fault: nobody is
    kept signed in for it.

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
        pages: Pages,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuer = issuer
        self._registrations = registrations
        self._keys = keys
        self._state = state
        self._pages = pages
        self._clock = clock
        self._cookies = Cookies(issuer)

    def routes(self) -> list[BaseRoute]:
        """Return the routes: the one for clients, and the one for the page that asks."""
        return [
            Route(PATH, faults_shown(self._pages, self._asked_for), methods=["GET", "POST"]),
            Route(CONFIRMED_PATH, faults_shown(self._pages, self._confirmed), methods=["POST"]),
        ]

    async def _asked_for(self, http: Request) -> Response:
        asked = self._judged(await sent_parameters(http))
        if http.method == "POST":
            # Cookies do not come along with another site's form, but they do with this redirect.
            return redirect(f"{PATH}?{asked.query}")
        username = await self._username(http)
        if username is None or username == asked.username:
            return await self._signed_out(http, asked)
        return self._question(http, asked, username)

    async def _confirmed(self, http: Request) -> Response:
        form = await form_parameters(http)
        self._cookies.check_form(http, form)
        return await self._signed_out(http, self._judged(query_parameters(http)))

    def _judged(self, sent: Parameters) -> LogoutRequest:
        given = given_parameters(sent)
        said = None
        if "id_token_hint" in given:
            try:
                keys = self._keys.published(self._clock())
                said = hint(given["id_token_hint"], issuer=self._issuer, keys=keys)
            except HintOutdated:
                # Who it is about is not known then, so the person is asked, as without a hint.
                said = None
            except HintUnusable:
                raise RequestUnusable(
                    "This is not an ID token of this server.", "id_token_hint"
                ) from None
        return logout_request(given, said, self._registrations)

    async def _username(self, http: Request) -> str | None:
        secret = self._cookies.session_secret(http)
        session = None if secret is None else await self._state.sessions.find(secret)
        return None if session is None else session.username

    async def _signed_out(self, http: Request, asked: LogoutRequest) -> Response:
        secret = self._cookies.session_secret(http)
        if secret is not None:
            await self._state.sessions.close(secret)
        destination = asked.destination
        if destination is None:
            response: Response = self._pages.response("signed_out.html", {})
        else:
            state = {} if destination.state is None else {"state": destination.state}
            response = redirect(location(destination, state))
        self._cookies.forget_session(response)
        return response

    def _question(self, http: Request, asked: LogoutRequest, username: str) -> Response:
        csrf = self._cookies.csrf_value(http)
        context: dict[str, object] = {
            "action": f"{CONFIRMED_PATH}?{asked.query}",
            "csrf": csrf,
            "client": "" if asked.client is None else asked.client.name,
            "username": username,
        }
        destination = asked.destination
        sources = [] if destination is None else [form_action(destination.redirect_uri)]
        response = self._pages.response("sign_out_question.html", context, form_action=sources)
        self._cookies.keep_csrf(response, csrf)
        return response
