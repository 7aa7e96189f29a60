"""The authorization request: its parameters, its URL, and what is stored until the response."""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote, urlencode

from demo.web_application.settings import WebApplicationSettings

RESPONSE_TYPES = ("code id_token", "code token", "code id_token token")
"""The response types of the Hybrid Flow (OpenID Connect Core §3.3)."""

DEFAULT_RESPONSE_TYPE = "code id_token token"

DEFAULT_SCOPES = frozenset({"openid", "profile", "email", "read:contacts", "offline_access"})
"""The scopes that are selected on the first visit: enough to see every kind of token."""

LIFETIME = 600
"""Seconds from the start page to the response; a person may have to look for a password."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The response type and the scopes that a person selected, in the order of the start page."""

    response_type: str
    scopes: tuple[str, ...]

    @property
    def components(self) -> frozenset[str]:
        """The response type as a set: the order of its words has no meaning."""
        return frozenset(self.response_type.split(" "))


@dataclass(frozen=True, slots=True)
class Transaction:
    """What this application stores of an authorization request, to check the response against it.

    Arguments:
        code_verifier: for PKCE; sent to the token endpoint only.
        started: seconds since the epoch.
    """

    selection: Selection
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    started: int


def with_state(pending: Sequence[Transaction], state: str) -> Transaction | None:
    """Return the request with this `state`, or None."""
    for transaction in pending:
        if hmac.compare_digest(transaction.state.encode(), state.encode()):
            return transaction
    return None


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the authorization URL, and what the start page says about it."""

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
    """Return the selection, without the scopes that are not offered.

    Arguments:
        response_type: None on the first visit, which gets the default selection.
    """
    if response_type not in RESPONSE_TYPES:
        defaults = tuple(scope for scope in offered if scope in DEFAULT_SCOPES)
        return Selection(DEFAULT_RESPONSE_TYPE, defaults)
    # `openid` is always requested: without it, the provider issues no ID token.
    selected = tuple(scope for scope in offered if scope in scopes or scope == "openid")
    return Selection(response_type, selected)


def code_challenge(code_verifier: str) -> str:
    """Return the S256 challenge for a verifier (RFC 7636 §4.2)."""
    digest = sha256(code_verifier.encode("ascii")).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def parameters(settings: WebApplicationSettings, transaction: Transaction) -> tuple[Parameter, ...]:
    """Return the parameters of the authorization request, in the order of the URL."""
    selected = transaction.selection
    return (
        Parameter(
            settings.audience_parameter,
            settings.audience,
            "The identifier of the API that the access tokens are for.",
        ),
        Parameter(
            "scope",
            " ".join(selected.scopes),
            "The permissions that this application requests. For other permissions, the "
            "authorization server asks for your consent again.",
        ),
        Parameter(
            "response_type",
            selected.response_type,
            "What comes back through the browser. In the Hybrid Flow, a code is always included.",
        ),
        Parameter("client_id", settings.client_id, "The application that sends the request."),
        Parameter(
            "redirect_uri",
            settings.redirect_uri,
            "Where the response goes. It must match the registered URI exactly.",
        ),
        Parameter(
            "state",
            transaction.state,
            "Ties the response to this browser. An attacker's response has another value.",
        ),
        Parameter(
            "nonce",
            transaction.nonce,
            "Comes back inside the ID token. An ID token from another sign-in has another value.",
        ),
        Parameter(
            "code_challenge",
            code_challenge(transaction.code_verifier),
            "PKCE: the hash of a secret. Only the application that knows the secret can use the "
            "code.",
        ),
        Parameter("code_challenge_method", "S256", "The hash function: SHA-256."),
    )


def authorization_url(endpoint: str, sent: Sequence[Parameter]) -> str:
    """Return the URL; a query that the endpoint already has comes first (RFC 6749 §3.1)."""
    separator = "&" if "?" in endpoint else "?"
    return endpoint + separator + "&".join(parameter.encoded for parameter in sent)
