"""The authorization request: what was chosen, what is kept of it, and the exact URL."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlencode

from demo.web_application.settings import WebApplicationSettings

RESPONSE_TYPES = ("code id_token", "code token", "code id_token token")
"""Those of the Hybrid Flow (OpenID Connect Core §3.3)."""

DEFAULT_RESPONSE_TYPE = "code id_token token"

DEFAULT_SCOPES = frozenset({"openid", "profile", "email", "read:contacts", "offline_access"})
"""Of those that are offered; what shows most, and asks for no more than that."""

LIFETIME = 600
"""Seconds from the page with the URL to the answer; somebody may have to look for a password."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person chose on the start page; `scopes` are in the order they are offered."""

    response_type: str
    scopes: tuple[str, ...]

    @property
    def components(self) -> frozenset[str]:
        """The response type as a set: its words may stand in any order."""
        return frozenset(self.response_type.split(" "))


@dataclass(frozen=True, slots=True)
class Transaction:
    """What this application keeps of a request, to hold the answer against.

    Arguments:
        code_verifier: leaves this application with the code only.
        started: seconds since the epoch.
    """

    selection: Selection
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    started: int


def answered(pending: Sequence[Transaction], state: str) -> Transaction | None:
    """Return the request that an answer with this `state` belongs to."""
    for transaction in pending:
        if hmac.compare_digest(transaction.state.encode(), state.encode()):
            return transaction
    return None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the authorization URL; `explanation` is for the person who reads it."""

    name: str
    value: str
    explanation: str

    @property
    def encoded(self) -> str:
        """The parameter as it stands in the URL."""
        return urlencode({self.name: self.value}, quote_via=quote, safe=":/")


def selection(
    response_type: str | None, scopes: Sequence[str], offered: Sequence[str]
) -> Selection:
    """Return what was chosen; whatever is not offered is left out.

    Arguments:
        response_type: None on the first visit, where nothing has been chosen yet.
    """
    if response_type not in RESPONSE_TYPES:
        chosen = tuple(scope for scope in offered if scope in DEFAULT_SCOPES)
        return Selection(DEFAULT_RESPONSE_TYPE, chosen)
    # Without `openid` there would be no ID token, and nobody would be signed in.
    chosen = tuple(scope for scope in offered if scope in scopes or scope == "openid")
    return Selection(response_type, chosen)


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge for a verifier (RFC 7636 §4.2)."""
    digest = sha256(code_verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def parameters(settings: WebApplicationSettings, transaction: Transaction) -> tuple[Parameter, ...]:
    """Return the parameters of the authorization request, in the order of the URL."""
    chosen = transaction.selection
    return (
        Parameter(
            settings.audience_parameter,
            settings.audience,
            "The API that the access tokens shall be for, by its identifier.",
        ),
        Parameter(
            "scope",
            " ".join(chosen.scopes),
            "What this application asks to be allowed. Change it, and you are asked for consent "
            "again.",
        ),
        Parameter(
            "response_type",
            chosen.response_type,
            "What comes back through the browser. Every one of the Hybrid Flow has a code.",
        ),
        Parameter("client_id", settings.client_id, "Which application asks."),
        Parameter(
            "redirect_uri",
            settings.redirect_uri,
            "Where the answer goes. It must be registered, character for character.",
        ),
        Parameter(
            "state",
            transaction.state,
            "Ties the answer to this browser: nobody else can slip you theirs.",
        ),
        Parameter(
            "nonce",
            transaction.nonce,
            "Comes back inside the ID token: one from another sign-in is noticed.",
        ),
        Parameter(
            "code_challenge",
            code_challenge(transaction.code_verifier),
            "PKCE: only who knows what was hashed here can use the code.",
        ),
        Parameter("code_challenge_method", "S256", "How it was hashed: SHA-256."),
    )


def authorization_url(endpoint: str, sent: Sequence[Parameter]) -> str:
    """Return the URL; an endpoint's own query stays in front (RFC 6749 §3.1)."""
    joint = "&" if "?" in endpoint else "?"
    return endpoint + joint + "&".join(parameter.encoded for parameter in sent)
