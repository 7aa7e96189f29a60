"""What is kept of a browser, on the server only: requests under way, and a finished sign-in."""

from dataclasses import dataclass, field

from demo.web_application.checks.results import Row
from demo.web_application.provider.authorization_request import Transaction


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the token endpoint gave.

    Arguments:
        access_expires_at: seconds since the epoch, None where nobody said.
        scope: what was granted.
        id_token: verified.
    """

    access_token: str = field(repr=False)
    access_expires_at: int | None
    scope: str
    id_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Refreshed:
    """What the last refresh did: names of the access tokens before and after it (`jti`)."""

    at: int
    before: str
    after: str
    rotated: bool


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A finished sign-in.

    Arguments:
        at: seconds since the epoch.
        name: what to call the person.
        transaction: the request.
        response: what came through the browser, as it was checked.
        rows: the checks of that answer.
        exchange_rows: those of the token endpoint's.
        given: what the code was exchanged for.
        tokens: the ones to use: those, or what they were refreshed to.
        revoked: whether the provider has been made to revoke all of it (by a code's replay).
    """

    at: int
    subject: str
    name: str
    transaction: Transaction
    response: dict[str, str] = field(repr=False)
    rows: tuple[Row, ...]
    exchange_rows: tuple[Row, ...]
    given: Tokens
    tokens: Tokens
    refreshed: Refreshed | None = None
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """What is known of one browser.

    Arguments:
        form_token: stands in every form of this browser's pages (CSRF).
        pending: requests whose answers are awaited, the latest last.
    """

    form_token: str = field(repr=False)
    pending: tuple[Transaction, ...] = ()
    signed_in: SignedIn | None = None
