"""The content of a session: requests without a response yet, and the finished sign-in."""

from dataclasses import dataclass, field, replace
from typing import Self

from demo.web_application.checks.results import CheckResult
from demo.web_application.provider.authorization_request import LIFETIME, Transaction

MAX_PENDING = 30
"""Requests without a response in one browser. Each view of the start page adds one, so that two
tabs never share a `state`. Beyond the limit, the oldest request is forgotten."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a token response.

    Arguments:
        access_expires_at: seconds since the epoch, None if the response did not say.
        scope: the granted scope.
        id_token: verified.
    """

    access_token: str = field(repr=False)
    access_expires_at: int | None
    scope: str
    id_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The last refresh: the `jti` of the access token before and after it."""

    at: int
    before: str
    after: str
    rotated: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in.

    Arguments:
        at: seconds since the epoch.
        name: how the pages address the person.
        transaction: the authorization request.
        response: the authorization response.
        response_checks: the results of its checks.
        exchange_checks: the results of the checks of the token response.
        first_tokens: the tokens that the code was exchanged for.
        tokens: the tokens to use: the first ones, or those of the last refresh.
        revoked: whether the provider revoked them, because the code was used a second time.
    """

    at: int
    subject: str
    name: str
    transaction: Transaction
    response: dict[str, str] = field(repr=False)
    response_checks: tuple[CheckResult, ...]
    exchange_checks: tuple[CheckResult, ...]
    first_tokens: Tokens
    tokens: Tokens
    refreshed: Refreshed | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """The session of one browser.

    Arguments:
        form_token: the CSRF token of all forms of this session.
        pending: requests without a response, the latest last.
    """

    form_token: str = field(repr=False)
    pending: tuple[Transaction, ...] = ()
    signed_in: SignedIn | None = None

    def with_pending(self, transaction: Transaction) -> Self:
        """Return the session with another request, without those that have expired."""
        current = (one for one in self.pending if transaction.started - one.started <= LIFETIME)
        return replace(self, pending=(*current, transaction)[-MAX_PENDING:])
