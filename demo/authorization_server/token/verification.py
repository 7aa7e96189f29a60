"""This server's own access tokens, presented to itself: verified by asgi_bearer, then looked up."""

import time
from collections.abc import Callable, Collection

from asgi_bearer import InvalidTokenError, JWTVerifier, Presented, Principal
from asgi_bearer.keys import KeySet, Missed
from demo.authorization_server.keys.signing_key import ALGORITHM, SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State
from demo.authorization_server.token.access_token import is_client


class TokenRevoked(InvalidTokenError):
    """The token is genuine, and was revoked, or its user is registered no longer."""

    code = "token_revoked"


class OwnKeys:
    """The published keys of this server as a source of keys."""

    def __init__(self, keys: SigningKeys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._kids: tuple[str, ...] = ()
        self._key_set = KeySet(())

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """Return the keys, always up to date; the same object while they are the same."""
        published = self._keys.published(self._clock())
        kids = tuple(key.kid for key in published)
        if kids != self._kids:
            self._key_set = KeySet.from_jwks({"keys": [key.public_jwk() for key in published]})
            self._kids = kids
        return self._key_set


class RecordedTokens:
    """Verifies access tokens that this server gave and did not take back.

    Arguments:
        audience: the identifiers that may be in `aud`, any of them.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: Collection[str],
        registrations: Registrations,
        keys: SigningKeys,
        state: State,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._verifier = JWTVerifier(
            issuer=issuer,
            audience=audience,
            keys=OwnKeys(keys, clock),
            algorithms=[ALGORITHM],
            leeway=0.0,  # It is the same clock.
            clock=clock,
        )
        self._registrations = registrations
        self._state = state

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a token that is good at this moment.

        Raises:
            InvalidTokenError: it is not one, or not any longer.
        """
        principal = await self._verifier.verify(presented)
        if not await self._state.tokens.access_token_is_active(token_id(principal)):
            raise TokenRevoked("the token or its grant was revoked")
        if not is_client(principal) and principal.subject not in self._registrations.users:
            raise TokenRevoked("the user is not registered any longer")
        return principal


def token_id(principal: Principal) -> str:
    """Return the `jti` of a verified token."""
    return str(principal.claims.get("jti", ""))
