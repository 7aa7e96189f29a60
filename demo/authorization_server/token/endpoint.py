"""`POST /oauth/token`: tokens for a client that proves itself (RFC 6749 §3.2)."""

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.authorization_server.registrations.model import Client, GrantType
from demo.authorization_server.requests.client_authentication import ClientAuthentication
from demo.authorization_server.requests.client_body import body_parameters
from demo.authorization_server.requests.oauth_error import NO_STORE, OAuthError
from demo.authorization_server.token.grant_types import Answer, GrantTypes

_Grant = Callable[[Client, Mapping[str, str]], Awaitable[Answer]]


class TokenEndpoint:
    """The endpoint: reads the request, knows the client, and asks the grant type."""

    def __init__(self, *, authentication: ClientAuthentication, grant_types: GrantTypes) -> None:
        self._authentication = authentication
        self._grant_types: dict[GrantType, _Grant] = {
            "authorization_code": grant_types.authorization_code,
            "refresh_token": grant_types.refresh_token,
            "client_credentials": grant_types.client_credentials,
        }

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/oauth/token", self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        try:
            given = await body_parameters(request)
            client = self._authentication.authenticated(request, given)
            answer = await self._grant(client, given)(client, given)
        except OAuthError as error:
            return error.response()
        return JSONResponse(answer, headers=dict(NO_STORE))

    def _grant(self, client: Client, given: Mapping[str, str]) -> _Grant:
        asked = given.get("grant_type")
        if asked is None:
            raise OAuthError("invalid_request", "grant_type is missing.")
        for grant_type, grant in self._grant_types.items():
            if grant_type != asked:
                continue
            if grant_type not in client.grant_types:
                raise OAuthError(
                    "unauthorized_client", "The client is not registered for this grant type."
                )
            return grant
        raise OAuthError(
            "unsupported_grant_type", f"grant_type must be one of {', '.join(self._grant_types)}."
        )
