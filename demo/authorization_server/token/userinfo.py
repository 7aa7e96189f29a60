"""`/userinfo`: the claims about the user that an access token's scopes release (§5.3 of OIDC)."""

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asgi_bearer import BearerMiddleware, Principal
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.registrations.scopes import user_claims
from demo.authorization_server.requests.oauth_error import NO_STORE
from demo.authorization_server.token.verification import RecordedTokens


class UserInfo:
    """The endpoint; `tokens` verifies those that name it in `aud`."""

    def __init__(self, *, registrations: Registrations, tokens: RecordedTokens) -> None:
        self._registrations = registrations
        self._tokens = tokens

    def routes(self) -> list[Route]:
        """Return the route, guarded: an access token with the scope `openid` is needed."""
        guard = Middleware(
            BearerMiddleware, verifier=self._tokens, scopes="openid", realm="userinfo"
        )
        return [
            Route("/userinfo", self._respond, methods=["GET", "POST"], middleware=[guard]),
        ]

    async def _respond(self, request: Request) -> Response:
        principal: Principal = request.user
        user = self._registrations.users[str(principal.subject)]
        # `sub` last, so that no claim could replace it.
        claims = {**user_claims(user, principal.scopes), "sub": user.username}
        return JSONResponse(claims, headers=dict(NO_STORE))
