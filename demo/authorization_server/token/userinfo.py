"""`/userinfo`: the claims about the user (OpenID Connect Core §5.3)."""

from dataclasses import dataclass

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from asgi_bearer import BearerMiddleware, Principal
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.registrations.scopes import user_claims
from demo.authorization_server.requests.oauth_error import NO_STORE
from demo.authorization_server.token.verification import AccessTokenVerifier


@dataclass(frozen=True, slots=True, kw_only=True)
class UserInfo:
    """The endpoint; `verifier` accepts tokens that name it in `aud`."""

    registrations: Registrations
    verifier: AccessTokenVerifier

    def routes(self) -> list[Route]:
        """Return the route; it needs an access token with the scope `openid`."""
        guard = Middleware(
            BearerMiddleware, verifier=self.verifier, scopes="openid", realm="userinfo"
        )
        return [Route("/userinfo", self._respond, methods=["GET", "POST"], middleware=[guard])]

    async def _respond(self, request: Request) -> Response:
        principal: Principal = request.user
        user = self.registrations.users[str(principal.subject)]
        # `sub` last, so that no claim can replace it.
        claims = {**user_claims(user, principal.scopes), "sub": user.username}
        return JSONResponse(claims, headers=dict(NO_STORE))
