"""Authorization responses: sends the client what was granted, or an error."""

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from demo.authorization_server.authorize.refusals import RequestRefused
from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.authorize.response_mode import (
    Destination,
    form_action,
    location,
    response_parameters,
)
from demo.authorization_server.server import Server
from demo.authorization_server.state.sessions import Session
from demo.authorization_server.token.issuing import FRONT_CHANNEL, Issuing
from demo.pages.rendering import SECURITY_HEADERS, Pages


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponses:
    """Makes the responses."""

    server: Server
    issuing: Issuing
    pages: Pages

    async def granted(self, request: AuthorizationRequest, session: Session) -> Response:
        """Send exactly what the response type names (OpenID Connect Core §3.3.2.5)."""
        grant = await self.server.state.grants.open(
            client_id=request.client.client_id,
            username=session.username,
            audience=request.permissions.audience,
            scopes=request.permissions.scopes,
            auth_time=session.auth_time,
            nonce=request.nonce,
        )
        code = await self.server.state.grants.add_code(
            grant,
            redirect_uri=request.destination.redirect_uri,
            code_challenge=request.code_challenge,
        )
        response: dict[str, str] = {}
        access_token = None
        if "token" in request.response_type:
            issued = await self.issuing.access_token(grant, gty=FRONT_CHANNEL)
            access_token = issued.value
            response |= {
                "access_token": access_token,
                "expires_in": str(issued.expires_in),
                "token_type": "Bearer",
            }
            if not request.permissions.as_requested:
                response["scope"] = " ".join(grant.scopes)
        response["code"] = code
        if "id_token" in request.response_type:
            response["id_token"] = self.issuing.id_token(
                grant, code=code, access_token=access_token
            )
        return self._sent(request.destination, response)

    def refused(self, refused: RequestRefused) -> Response:
        """Send an error (RFC 6749 §4.1.2.1, OpenID Connect Core §3.3.2.6)."""
        refusal = refused.refusal
        response = {"error": refusal.error, "error_description": refusal.description}
        return self._sent(refused.destination, response)

    def _sent(self, destination: Destination, response: Mapping[str, str]) -> Response:
        parameters = response_parameters(destination, self.server.issuer, response)
        if destination.response_mode == "form_post":
            return self.pages.response(
                "form_post.html",
                {"action": destination.redirect_uri, "parameters": parameters},
                form_action=[form_action(destination.redirect_uri)],
            )
        return redirect(location(destination, parameters))


def redirect(target: str) -> Response:
    """Return a redirect that browsers follow with GET, also after a POST (RFC 9700 §4.12)."""
    return Response(status_code=303, headers={**SECURITY_HEADERS, "Location": target})
