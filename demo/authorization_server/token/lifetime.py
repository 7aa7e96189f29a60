"""What the token endpoint takes beyond OAuth, in one place: `expires_in`, to watch a token end."""

import re
from collections.abc import Mapping

from demo.authorization_server.requests.oauth_error import OAuthError

MAX_LIFETIME = 86_400
"""Seconds; a day, which is what Auth0 gives a token for an API by default."""

# ASCII digits only, and few of them: int() takes other scripts, underscores, and any length.
_SECONDS = re.compile("-?[1-9][0-9]{0,4}")


def lifetime(parameters: Mapping[str, str]) -> int | None:
    """Return how long the token shall be good, in seconds; None where nothing is asked.

    A negative number asks for a token that ended so long ago. It is of no use to anybody, and
    lets one see how the API refuses it. Raises OAuthError.
    """
    asked = parameters.get("expires_in")
    if asked is None:
        return None
    if _SECONDS.fullmatch(asked) and abs(int(asked)) <= MAX_LIFETIME:
        return int(asked)
    raise OAuthError(
        "invalid_request",
        f"expires_in must be a whole number of seconds, 1 to {MAX_LIFETIME}, or the negative of "
        "one for a token that has ended.",
    )
