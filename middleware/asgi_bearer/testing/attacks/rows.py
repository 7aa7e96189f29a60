"""`Attack`: one row of the table of tokens that every guarded endpoint must refuse."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from asgi_bearer.errors import AccessTokenError
from asgi_bearer.testing.signing import compact
from asgi_bearer.testing.tokens import TokenIssuer

Make = Callable[[TokenIssuer], str]


@dataclass(frozen=True, slots=True)
class Attack:
    """A token that must be refused. It is made when the test runs, at the issuer's time.

    Arguments:
        id: its name in the table; pytest shows it as the id of a parameter.
        wrong: the rule that the token breaks.
        refusal: the class of the refusal.
        make: makes the token.
    """

    id: str
    wrong: str
    refusal: type[AccessTokenError]
    make: Make = field(repr=False)

    @property
    def __name__(self) -> str:  # pytest makes the id of a parameter from it.
        return self.id

    @property
    def status(self) -> int:
        """The status of the response."""
        return self.refusal.status

    @property
    def code(self) -> str:
        """The code of the refusal, which the log has."""
        return self.refusal.code

    @property
    def error(self) -> str | None:
        """The error code of the challenge (RFC 6750 §3.1)."""
        return self.refusal.error

    def token(self, issuer: TokenIssuer) -> str:
        """Return the token, in the name of `issuer`."""
        return self.make(issuer)

    def headers(self, issuer: TokenIssuer) -> dict[str, str]:
        """Return the headers of a request with the token."""
        return {"Authorization": f"Bearer {self.token(issuer)}"}


@dataclass(frozen=True, slots=True)
class AttackToken:
    """An attack with its token, made now.

    Arguments:
        id: see `Attack`, as the others.
        token: the token.
    """

    id: str
    wrong: str
    status: int
    code: str
    error: str | None
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The headers of a request with the token."""
        return {"Authorization": f"Bearer {self.token}"}


def made_now(attack: Attack, issuer: TokenIssuer) -> AttackToken:
    """Return `attack` with its token."""
    token = attack.token(issuer)
    return AttackToken(attack.id, attack.wrong, attack.status, attack.code, attack.error, token)


def jwt_of(issuer: TokenIssuer, **changes: object) -> str:
    """Return a valid token with changed claims, also for an issuer whose tokens are opaque."""
    return compact(issuer.header(), issuer.claims(**changes), issuer.key)


def with_claims(issuer: TokenIssuer, changes: Mapping[str, object]) -> str:
    """Return a token with these claims; here None is JSON null, and leaves nothing out."""
    return compact(issuer.header(), json.dumps({**issuer.claims(), **changes}), issuer.key)


def with_header(issuer: TokenIssuer, members: Mapping[str, object]) -> str:
    """Return a token with these header members; None is JSON null."""
    return compact({**issuer.header(), **members}, issuer.claims(), issuer.key)


def without_header(issuer: TokenIssuer, name: str) -> str:
    """Return a token without a header member."""
    return compact(issuer.header(**{name: None}), issuer.claims(), issuer.key)
