"""The answers to authorization requests: what was granted, or why not, on its way to the client."""

from collections.abc import Mapping

from starlette.responses import Response

from demo.authorization_server.authorize.refusals import RequestRefused
from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import (
    Destination,
    answer_parameters,
    form_action,
    location,
)
from demo.authorization_server.state.sessions import Session
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import FRONT_CHANNEL, Issuing
from demo.pages.rendering import SECURITY_HEADERS, Pages


class Answers:
    """Makes the answers; `issuer` is the identifier of this server."""

    def __init__(self, *, issuer: str, state: State, issuing: Issuing, pages: Pages) -> None:
        self._issuer = issuer
        self._state = state
        self._issuing = issuing
        self._pages = pages

    async def granted(self, asked: AuthorizationRequest, session: Session) -> Response:
        """Answer with exactly what the response type names (OpenID Connect Core §3.3.2.5)."""
        grant = await self._state.grants.open(
            client_id=asked.client.client_id,
            username=session.username,
            audience=asked.permissions.audience,
            scopes=asked.permissions.scopes,
            auth_time=session.auth_time,
            nonce=asked.nonce,
        )
        code = await self._state.grants.add_code(
            grant,
            redirect_uri=asked.destination.redirect_uri,
            code_challenge=asked.code_challenge,
        )
        answer: dict[str, str] = {}
        access_token = None
        if "token" in asked.response_type:
            issued = await self._issuing.access_token(grant, gty=FRONT_CHANNEL)
            access_token = issued.value
            answer |= {
                "access_token": access_token,
                "expires_in": str(issued.expires_in),
                "token_type": "Bearer",
            }
            if not asked.permissions.as_requested:
                answer["scope"] = " ".join(grant.scopes)
        answer["code"] = code
        if "id_token" in asked.response_type:
            answer["id_token"] = self._issuing.id_token(grant, code=code, access_token=access_token)
        return self._sent(asked.destination, answer)

    def refused(self, refused: RequestRefused) -> Response:
        """Answer with an error (RFC 6749 §4.1.2.1, OpenID Connect Core §3.3.2.6)."""
        refusal = refused.refusal
        answer = {"error": refusal.error, "error_description": refusal.description}
        return self._sent(refused.destination, answer)

    def _sent(self, destination: Destination, answer: Mapping[str, str]) -> Response:
        parameters = answer_parameters(destination, self._issuer, answer)
        if destination.response_mode == "form_post":
            return self._pages.response(
                "form_post.html",
                {"action": destination.redirect_uri, "parameters": parameters},
                form_action=[form_action(destination.redirect_uri)],
            )
        return redirect(location(destination, parameters))


def redirect(target: str) -> Response:
    """Return a redirect that a browser follows with GET, whatever it sent (RFC 9700 §4.12)."""
    return Response(status_code=303, headers={**SECURITY_HEADERS, "Location": target})
