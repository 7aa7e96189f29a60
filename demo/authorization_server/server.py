"""The parts that the endpoints of the authorization server share."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from demo.authorization_server.keys.signing_keys import RetiredKey, SigningKey, SigningKeys
from demo.authorization_server.registrations.model import Registrations
from demo.authorization_server.state.state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One authorization server.

    Arguments:
        issuer: the identifier, which is also the address; with a final slash, as Auth0's.
        state: already prepared.
        clock: returns seconds since the epoch; the same clock as the state's.
    """

    issuer: str
    registrations: Registrations
    keys: SigningKeys
    state: State
    clock: Callable[[], float] = time.time

    @property
    def userinfo(self) -> str:
        """The URL of /userinfo, which is also its audience."""
        return userinfo_address(self.issuer)

    def published_keys(self) -> tuple[SigningKey | RetiredKey, ...]:
        """Return the keys that verify tokens now, the current one first."""
        return self.keys.published(self.clock())


def userinfo_address(issuer: str) -> str:
    """Return the URL of /userinfo of the server with this issuer."""
    return f"{issuer}userinfo"
