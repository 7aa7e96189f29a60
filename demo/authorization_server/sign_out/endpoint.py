"""The endpoint to which a client sends a person to sign out."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.authorize.response import redirect
from demo.authorization_server.authorize.response_mode import form_action, location
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.parameters import (
    Parameters,
    query_parameters,
    sent_parameters,
)
from demo.authorization_server.server import Server
from demo.authorization_server.sign_out.request import (
    LogoutRequest,
    known_parameters,
    logout_request,
)
from demo.authorization_server.token.id_token_hint import (
    HintOutdated,
    HintUnusable,
    read_id_token_hint,
)
from demo.pages.rendering import Pages

PATH = "/oidc/logout"

CONFIRMED_PATH = f"{PATH}/confirmed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutEndpoint:
    """Signs the person out at once if the client sends their ID token; otherwise asks first.

    An ID token whose key is no longer published proves nothing. It is not an error: the person is
    asked, as without a token.
    """

    server: Server
    cookies: Cookies
    pages: Pages

    def routes(self) -> list[BaseRoute]:
        """Return the routes: one for clients, one for the form of the page that asks."""
        return [
            Route(PATH, self._requested, methods=["GET", "POST"]),
            Route(CONFIRMED_PATH, self._confirmed, methods=["POST"]),
        ]

    async def _requested(self, http: Request) -> Response:
        request = self._request(await sent_parameters(http))
        if http.method == "POST":
            # Browsers send no cookies with a form of another site, but they do with this redirect.
            return redirect(f"{PATH}?{request.query}")
        username = await self._username(http)
        if username is None or username == request.username:
            return await self._signed_out(http, request)
        return self._question(http, request, username)

    async def _confirmed(self, http: Request) -> Response:
        await self.cookies.own_form(http)
        return await self._signed_out(http, self._request(query_parameters(http)))

    def _request(self, sent: Parameters) -> LogoutRequest:
        parameters = known_parameters(sent)
        hint = None
        if "id_token_hint" in parameters:
            try:
                hint = read_id_token_hint(
                    parameters["id_token_hint"],
                    issuer=self.server.issuer,
                    keys=self.server.published_keys(),
                )
            except HintOutdated:
                hint = None
            except HintUnusable:
                raise RequestUnusable(
                    "This is not an ID token that this server issued.", "id_token_hint"
                ) from None
        return logout_request(parameters, hint, self.server.registrations)

    async def _username(self, http: Request) -> str | None:
        session = await self.server.state.sessions.find(self.cookies.session_secret(http))
        return None if session is None else session.username

    async def _signed_out(self, http: Request, request: LogoutRequest) -> Response:
        if secret := self.cookies.session_secret(http):
            await self.server.state.sessions.close(secret)
        destination = request.destination
        if destination is None:
            response: Response = self.pages.response("signed_out.html", {})
        else:
            state = {} if destination.state is None else {"state": destination.state}
            response = redirect(location(destination, state))
        self.cookies.forget_session(response)
        return response

    def _question(self, http: Request, request: LogoutRequest, username: str) -> Response:
        csrf = self.cookies.csrf_value(http)
        context: dict[str, object] = {
            "action": f"{CONFIRMED_PATH}?{request.query}",
            "csrf": csrf,
            "client": "" if request.client is None else request.client.name,
            "username": username,
        }
        destination = request.destination
        sources = [] if destination is None else [form_action(destination.redirect_uri)]
        response = self.pages.response("sign_out_question.html", context, form_action=sources)
        self.cookies.keep_csrf(response, csrf)
        return response
