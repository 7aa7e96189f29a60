"""A sign-in as the session page shows it: tokens taken apart and told apart, nothing secret."""

from dataclasses import dataclass

from demo.web_application.checks.display import Shown, decoded, duration, moment
from demo.web_application.session.session import Refreshed, SignedIn


@dataclass(frozen=True, slots=True)
class TokenShown:
    """A token with the words around it.

    Arguments:
        which: `front-channel`, `exchanged` or `refreshed`: how it came.
        shown: None for a token that is opaque.
        state: how long it is still good, in words.
    """

    which: str
    shown: Shown | None
    state: str

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """What tells it from another one: name and value."""
        if self.shown is None:
            return (("form", "opaque: only who issued it can read it"),)
        facts = [
            ("gty", self.shown.text("gty")),
            ("jti", self.shown.text("jti")),
            ("scope", self.shown.text("scope")),
            ("audience", self.shown.text("aud")),
            ("lifetime", duration(self.shown.lifetime)),
            ("good until", self.shown.ends),
            ("now", self.state),
        ]
        return tuple((name, value) for name, value in facts if value)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """All that the page shows of the tokens.

    Arguments:
        access_tokens: the front-channel one first, where there is one.
        id_tokens: likewise.
        no_refresh_token: why there is none; empty where there is one.
        refreshed_at: when the last refresh was; empty where there was none.
    """

    signed_in_at: str
    access_tokens: tuple[TokenShown, ...]
    id_tokens: tuple[TokenShown, ...]
    no_refresh_token: str
    refreshed: Refreshed | None
    refreshed_at: str


def session_shown(signed_in: SignedIn, now: int) -> SessionShown:
    """Return what a page may show."""

    def shown(which: str, token: str) -> TokenShown:
        content = decoded(token)
        return TokenShown(which, content, _state(content, now))

    response, tokens = signed_in.response, signed_in.tokens
    refreshed = signed_in.refreshed
    access_tokens = [shown("refreshed" if refreshed else "exchanged", tokens.access_token)]
    if "access_token" in response:
        access_tokens.insert(0, shown("front-channel", response["access_token"]))
    # A refresh need not bring another ID token (OpenID Connect Core §12.2).
    first = tokens.id_token == signed_in.given.id_token
    id_tokens = [shown("exchanged" if first else "refreshed", tokens.id_token)]
    if "id_token" in response:
        id_tokens.insert(0, shown("front-channel", response["id_token"]))
    return SessionShown(
        moment(signed_in.at),
        tuple(access_tokens),
        tuple(id_tokens),
        "" if tokens.refresh_token else _why_not(signed_in),
        refreshed,
        moment(refreshed.at) if refreshed else "",
    )


def _state(shown: Shown | None, now: int) -> str:
    ends = shown.claims.get("exp") if shown else None
    if isinstance(ends, bool) or not isinstance(ends, int | float):
        return ""
    return "good" if now < ends else "expired"


def _why_not(signed_in: SignedIn) -> str:
    if signed_in.revoked:
        return "It was revoked, when the code was used a second time."
    if signed_in.given.refresh_token:
        return (
            "It was used up, or the authorization server does not take it any more. Sign in again "
            "to get one."
        )
    if "offline_access" not in signed_in.transaction.selection.scopes:
        return "offline_access was not asked for."
    if "offline_access" not in signed_in.given.scope.split(" "):
        return "offline_access was asked for and not granted: the API does not allow it."
    return "The authorization server gave none."
