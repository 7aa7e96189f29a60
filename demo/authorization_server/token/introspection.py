"""`POST /oauth/introspect`: tells a client or an API whether a token is active (RFC 7662)."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asgi_bearer import InvalidTokenError, Presented, Principal
from demo.authorization_server.registrations.model import Client
from demo.authorization_server.requests.client_authentication import ClientAuthentication
from demo.authorization_server.requests.client_body import required
from demo.authorization_server.requests.oauth_error import NO_STORE, OAuthError
from demo.authorization_server.server import Server
from demo.authorization_server.state.tokens import RefreshToken
from demo.authorization_server.token.access_token import is_client, subject
from demo.authorization_server.token.verification import AccessTokenVerifier

_RETURNED_CLAIMS = ("iss", "sub", "aud", "client_id", "iat", "exp", "jti", "scope")

_INACTIVE: dict[str, object] = {"active": False}
"""Also the answer for tokens of other clients and APIs: the caller learns nothing (§2.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntrospectionEndpoint:
    """The endpoint; `verifier` accepts access tokens for any audience."""

    server: Server
    authentication: ClientAuthentication
    verifier: AccessTokenVerifier

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/oauth/introspect", self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        client, parameters = await self.authentication.authenticated(request)
        if client.is_public:
            raise OAuthError("invalid_client", "Only a client with a secret may introspect tokens.")
        response = await self._introspected(required(parameters, "token"), client)
        return JSONResponse(response, headers=dict(NO_STORE))

    async def _introspected(self, token: str, client: Client) -> dict[str, object]:
        refresh_token = await self.server.state.tokens.find_refresh_token(token)
        if refresh_token is not None:
            return self._refresh_token(refresh_token, client)
        try:
            principal = await self.verifier.verify(Presented(token))
        except InvalidTokenError:
            return _INACTIVE
        return _access_token(principal, client)

    def _refresh_token(self, token: RefreshToken, client: Client) -> dict[str, object]:
        grant = token.grant
        ended = token.used or token.expires_at <= self.server.clock()
        if ended or grant.client_id != client.client_id:
            return _INACTIVE
        return {
            "active": True,
            "iss": self.server.issuer,
            "sub": subject(grant),
            "client_id": grant.client_id,
            "username": grant.username,
            "scope": " ".join(grant.scopes),
            "exp": token.expires_at,
        }


def _access_token(principal: Principal, client: Client) -> dict[str, object]:
    claims = principal.claims
    # A string or a list of strings: the verifier has checked it.
    audience: Any = claims["aud"]
    named = client.introspects.intersection([audience] if isinstance(audience, str) else audience)
    if principal.client_id != client.client_id and not named:
        return _INACTIVE
    returned = {name: claims[name] for name in _RETURNED_CLAIMS if name in claims}
    response = {
        "active": True,
        "token_type": "Bearer",
        **returned,
        "client_id": principal.client_id,
    }
    return response if is_client(principal) else {**response, "username": principal.subject}
