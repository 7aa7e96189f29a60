"""`POST /oauth/token`: gives tokens to an authenticated client (RFC 6749 §3.2)."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.authorization_server.registrations.model import Client
from demo.authorization_server.requests.client_authentication import ClientAuthentication
from demo.authorization_server.requests.client_body import required
from demo.authorization_server.requests.oauth_error import NO_STORE, OAuthError
from demo.authorization_server.token.grant_types import GrantTypes, TokenResponse

_Grant = Callable[[Client, Mapping[str, str]], Awaitable[TokenResponse]]


class TokenEndpoint:
    """Reads the request, authenticates the client, and calls the method for the grant type."""

    def __init__(self, *, authentication: ClientAuthentication, grant_types: GrantTypes) -> None:
        self._authentication = authentication
        self._grant_types: dict[str, _Grant] = {
            "authorization_code": grant_types.authorization_code,
            "refresh_token": grant_types.refresh_token,
            "client_credentials": grant_types.client_credentials,
        }

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/oauth/token", self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        client, parameters = await self._authentication.authenticated(request)
        response = await self._grant(client, parameters)(client, parameters)
        return JSONResponse(response, headers=dict(NO_STORE))

    def _grant(self, client: Client, parameters: Mapping[str, str]) -> _Grant:
        requested = required(parameters, "grant_type")
        if requested not in self._grant_types:
            raise OAuthError(
                "unsupported_grant_type",
                f"grant_type must be one of {', '.join(self._grant_types)}.",
            )
        if requested not in client.grant_types:
            raise OAuthError(
                "unauthorized_client", "The client is not registered for this grant type."
            )
        return self._grant_types[requested]
