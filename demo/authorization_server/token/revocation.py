"""`POST /oauth/revoke`: a client revokes its tokens (RFC 7009)."""

import logging
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from asgi_bearer import InvalidTokenError, Presented
from demo.authorization_server.registrations.model import Client
from demo.authorization_server.requests.client_authentication import ClientAuthentication
from demo.authorization_server.requests.client_body import required
from demo.authorization_server.requests.oauth_error import NO_STORE, OAuthError
from demo.authorization_server.state.state import State
from demo.authorization_server.token.verification import AccessTokenVerifier, jti

logger = logging.getLogger("demo.authorization_server")


@dataclass(frozen=True, slots=True, kw_only=True)
class RevocationEndpoint:
    """The endpoint; `verifier` accepts access tokens for any audience."""

    authentication: ClientAuthentication
    verifier: AccessTokenVerifier
    state: State

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/oauth/revoke", self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        client, parameters = await self.authentication.authenticated(request)
        await self._revoke(required(parameters, "token"), client)
        return Response(headers=dict(NO_STORE))

    async def _revoke(self, token: str, client: Client) -> None:
        """Revoke the token; an unknown token counts as revoked (§2.2).

        `token_type_hint` is ignored: refresh tokens and access tokens are easy to tell apart.
        """
        refresh_token = await self.state.tokens.find_refresh_token(token)
        if refresh_token is not None:
            grant = refresh_token.grant
            _check_owner(grant.client_id, client)
            await self.state.grants.revoke(grant.grant_id)
            logger.info(
                "Client %s revoked the grant that user %s gave it", client.client_id, grant.username
            )
            return
        try:
            principal = await self.verifier.verify(Presented(token))
        except InvalidTokenError:
            return
        _check_owner(principal.client_id, client)
        await self.state.tokens.revoke_access_token(jti(principal))


def _check_owner(client_id: str | None, client: Client) -> None:
    if client_id != client.client_id:
        raise OAuthError("invalid_request", "The token was not issued to this client.")
