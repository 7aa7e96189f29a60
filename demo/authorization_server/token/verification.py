"""Verification of this server's own access tokens: by asgi_bearer, then against the state."""

from collections.abc import Collection

from asgi_bearer import InvalidTokenError, JWTVerifier, Presented, Principal
from asgi_bearer.keys import KeySet, Missed
from demo.authorization_server.keys.signing_keys import ALGORITHM
from demo.authorization_server.server import Server
from demo.authorization_server.token.access_token import is_client


class TokenRevoked(InvalidTokenError):
    """The token is genuine, but it was revoked, or its user is no longer registered."""

    code = "token_revoked"


class OwnKeys:
    """The published keys of this server, as the key source of a verifier."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._kids: tuple[str, ...] = ()
        self._key_set = KeySet(())

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the current keys; the same object as long as they do not change."""
        published = self._server.published_keys()
        kids = tuple(key.kid for key in published)
        if kids != self._kids:
            self._key_set = KeySet.from_jwks({"keys": [key.public_jwk() for key in published]})
            self._kids = kids
        return self._key_set


class AccessTokenVerifier:
    """Verifies access tokens that this server issued and has not revoked.

    Arguments:
        audience: `aud` must name one of these identifiers.
    """

    def __init__(self, server: Server, audience: Collection[str]) -> None:
        self._verifier = JWTVerifier(
            issuer=server.issuer,
            audience=audience,
            keys=OwnKeys(server),
            algorithms=[ALGORITHM],
            leeway=0.0,  # The same clock set `exp`.
            clock=server.clock,
        )
        self._server = server

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a token that is valid now.

        Raises:
            InvalidTokenError: the token is not valid, or no longer.
        """
        principal = await self._verifier.verify(presented)
        if not await self._server.state.tokens.access_token_is_active(jti(principal)):
            raise TokenRevoked("the token or its grant was revoked")
        if not is_client(principal) and principal.subject not in self._server.registrations.users:
            raise TokenRevoked("the user is no longer registered")
        return principal


def jti(principal: Principal) -> str:
    """Return the `jti` of a verified token."""
    return str(principal.claims.get("jti", ""))
