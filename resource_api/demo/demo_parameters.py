"""What the demo's token endpoint takes beyond OAuth, in one place, to be removed with its reason.

`subject` stands in for a sign-in, which this issuer does not have yet. `expires_in` lets somebody
watch a token expire.
"""

from collections.abc import Mapping

from resource_api.demo.oauth_error import OAuthError

MAX_SUBJECT = 255
"""Characters; OpenID Connect Core §2 has the same limit for `sub`."""

LIFETIME = 3600
MAX_LIFETIME = 86_400
"""Seconds; a day, which is what Auth0 gives a token for an API by default."""

CLIENT_SUFFIX = "@clients"
"""Ends the subject of a token that a client got for itself, as Auth0 has it."""


def unsafe_subject(form: Mapping[str, str]) -> str | None:
    """Return the user whom the client names, None if it names nobody.

    Right only here: the issuer takes the client's word for it, with no user present. A name that
    could be taken for a client's is refused (RFC 9700 §4.15). Raises OAuthError.
    """
    subject = form.get("subject")
    if subject is None:
        return None
    if len(subject) > MAX_SUBJECT or not subject.isprintable() or subject.endswith(CLIENT_SUFFIX):
        raise OAuthError(
            "invalid_request",
            f"subject must be 1 to {MAX_SUBJECT} printable characters, not ending in "
            f"{CLIENT_SUFFIX}.",
        )
    return subject


def lifetime(form: Mapping[str, str]) -> int:
    """Return how long the token shall be good, in seconds. Raises OAuthError."""
    asked = form.get("expires_in", str(LIFETIME))
    # ASCII digits only, and few of them: int() takes other scripts, signs, and any length.
    if asked.isascii() and asked.isdigit() and len(asked) <= 6 and 1 <= int(asked) <= MAX_LIFETIME:
        return int(asked)
    raise OAuthError(
        "invalid_request", f"expires_in must be a whole number of seconds, 1 to {MAX_LIFETIME}."
    )
