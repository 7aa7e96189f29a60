"""What the session page shows of a sign-in: its tokens, decoded, and no secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from demo.web_application.checks.display import DecodedToken, decoded, duration_text, time_text
from demo.web_application.session.session import SignedIn

Origin = Literal["front-channel", "exchanged", "refreshed"]
"""How a token came: through the browser, for the code, or for the refresh token."""


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token on the page.

    Arguments:
        content: None if the token is opaque.
        state: `valid` or `expired`, empty if the token does not say.
    """

    origin: Origin
    content: DecodedToken | None
    state: str

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Names and values that distinguish the token from others."""
        if self.content is None:
            return (("form", "opaque: only its issuer can read it"),)
        facts = [
            ("gty", self.content.text("gty")),
            ("jti", self.content.text("jti")),
            ("scope", self.content.text("scope")),
            ("audience", self.content.text("aud")),
            ("lifetime", duration_text(self.content.lifetime)),
            ("expires at", self.content.expires_at),
            ("now", self.state),
        ]
        return tuple((name, value) for name, value in facts if value)


def session_view(signed_in: SignedIn, now: int) -> Mapping[str, object]:
    """Return what the template shows: first the tokens that came through the browser."""

    def view(origin: Origin, token: str) -> TokenView:
        content = decoded(token)
        return TokenView(origin, content, content.state(now) if content else "")

    response, tokens = signed_in.response, signed_in.tokens
    refreshed = signed_in.refreshed
    access_tokens = [view("refreshed" if refreshed else "exchanged", tokens.access_token)]
    if "access_token" in response:
        access_tokens.insert(0, view("front-channel", response["access_token"]))
    # A refresh may bring no ID token (OpenID Connect Core §12.2).
    is_first = tokens.id_token == signed_in.first_tokens.id_token
    id_tokens = [view("exchanged" if is_first else "refreshed", tokens.id_token)]
    if "id_token" in response:
        id_tokens.insert(0, view("front-channel", response["id_token"]))
    return {
        "signed_in_at": time_text(signed_in.at),
        "access_tokens": access_tokens,
        "id_tokens": id_tokens,
        "no_refresh_token": "" if tokens.refresh_token else _no_refresh_token(signed_in),
        "refreshed": refreshed,
        "refreshed_at": time_text(refreshed.at) if refreshed else "",
    }


def _no_refresh_token(signed_in: SignedIn) -> str:
    if signed_in.revoked:
        return "It was revoked when the code was used a second time."
    if signed_in.first_tokens.refresh_token:
        return (
            "It was used, or the authorization server no longer accepts it. Sign in again to get "
            "a new one."
        )
    if "offline_access" not in signed_in.transaction.selection.scopes:
        return "The scope offline_access was not requested."
    if "offline_access" not in signed_in.first_tokens.scope.split(" "):
        return "The scope offline_access was not granted: the API does not allow it."
    return "The authorization server issued none."
