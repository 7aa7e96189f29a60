"""`POST /.demo/rotate-keys`: replaces the signing key, so that people can watch a rotation."""

import ipaddress
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from demo.authorization_server.keys.signing_keys import TooManyKeys
from demo.authorization_server.registrations.model import Api
from demo.authorization_server.requests.client_body import MAX_LIFETIME
from demo.authorization_server.requests.cookies import Cookies
from demo.authorization_server.requests.oauth_error import NO_STORE
from demo.authorization_server.server import Server
from demo.authorization_server.token import id_token
from demo.authorization_server.token.issuing import USERINFO_TOKEN_LIFETIME

_SPARE_SECONDS = 60
"""An old key stays published this much longer than its last token lives, because the clocks of
verifiers may be slow."""

logger = logging.getLogger("demo.authorization_server")


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The endpoint; only programs and pages on this machine may call it."""

    server: Server
    cookies: Cookies

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/.demo/rotate-keys", self._respond, methods=["POST"])]

    async def _respond(self, request: Request) -> Response:
        # A browser says which page sent a POST request; other programs need not.
        if not _is_loopback(request) or not self.cookies.is_own_page(request):
            return _answer({"error": "Keys can be rotated from this machine only."}, 403)
        keep_seconds = longest_lifetime(self.server.registrations.apis) + _SPARE_SECONDS
        try:
            key = await self.server.keys.rotate(now=self.server.clock(), keep_seconds=keep_seconds)
        except TooManyKeys:
            return _answer(
                {"error": "Too many keys are published. Each stays until its tokens have expired."},
                429,
            )
        logger.info("The signing key was rotated; new key id: %s", key.kid)
        published = [old.kid for old in self.server.published_keys()]
        return _answer({"kid": key.kid, "published": published}, 200)


def longest_lifetime(apis: Mapping[str, Api]) -> int:
    """Return how long a token that is signed now can be valid, in seconds."""
    of_apis = [
        seconds
        for api in apis.values()
        for seconds in (api.token_lifetime, api.front_channel_token_lifetime)
    ]
    others = (MAX_LIFETIME, id_token.LIFETIME, USERINFO_TOKEN_LIFETIME)
    return max([*of_apis, *others])


def _is_loopback(request: Request) -> bool:
    if request.client is None:
        return False
    try:
        return ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _answer(content: dict[str, object], status: int) -> JSONResponse:
    return JSONResponse(content, status, dict(NO_STORE))
