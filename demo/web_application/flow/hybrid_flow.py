"""The story of one sign-in: the request, its answer, the checks, the exchange, the checks again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from demo.web_application.checks.id_token import IdTokens
from demo.web_application.checks.responses import (
    EXCHANGE,
    Checked,
    checked_exchange,
    checked_response,
)
from demo.web_application.checks.results import CheckFailed, Checklist, Row
from demo.web_application.flow.revocation import Revocation
from demo.web_application.provider.authorization_request import Selection, Transaction
from demo.web_application.provider.discovery import Provider, ProviderUnavailable
from demo.web_application.provider.token_endpoint import (
    TokenAnswer,
    TokenEndpoint,
    TokenRefused,
)
from demo.web_application.session.session import SignedIn, Tokens

MAX_NAME = 100
"""Characters of a person's name that the pages show."""


class SignInFailed(Exception):
    """A sign-in came to nothing.

    Arguments:
        rows: the checks of the answer that came through the browser.
        exchange_rows: those of the token endpoint's answer.
        exchanged: whether the code was exchanged.
        judged: False where a check could not be made.
        error: the provider's error code, if that was its answer.
    """

    def __init__(
        self, rows: tuple[Row, ...], exchange_rows: tuple[Row, ...], failed: CheckFailed
    ) -> None:
        self.rows = rows
        self.exchange_rows = exchange_rows
        self.exchanged = exchange_rows[0].outcome == "passed"
        self.judged = failed.judged
        self.error = failed.error
        super().__init__(str(failed))


@dataclass(frozen=True, slots=True)
class HybridFlow:
    """The flow with one provider; `clock` gives seconds since the epoch."""

    provider: Provider
    endpoint: TokenEndpoint
    revocation: Revocation
    id_tokens: IdTokens
    clock: Callable[[], float]
    token: Callable[[], str]

    def begin(self, selection: Selection) -> Transaction:
        """Return a new request; its secrets are its own."""
        return Transaction(
            selection=selection,
            state=self.token(),
            nonce=self.token(),
            code_verifier=self.token(),
            started=int(self.clock()),
        )

    async def finish(self, response: Mapping[str, str], pending: Sequence[Transaction]) -> SignedIn:
        """Check an answer, exchange its code, and check what that brought.

        Raises:
            SignInFailed: a check failed; nothing behind it was done.
            ProviderUnavailable: the provider says nothing about itself.
        """
        metadata = await self.provider.metadata()
        now = self.clock()
        try:
            first = await checked_response(
                response, pending, self.id_tokens, names_issuer=metadata.names_issuer, now=now
            )
        except CheckFailed as failed:
            raise SignInFailed(failed.rows, Checklist(EXCHANGE).rows(), failed) from None
        try:
            answer, second = await self._exchange(response["code"], first)
        except CheckFailed as failed:
            raise SignInFailed(first.rows, failed.rows, failed) from None
        claims = second.claims or {}
        asked = " ".join(first.transaction.selection.scopes)
        tokens = Tokens(
            access_token=answer.access_token,
            access_expires_at=answer.ends(self.clock()),
            scope=asked if answer.scope is None else answer.scope,
            id_token=answer.id_token or "",
            refresh_token=answer.refresh_token,
        )
        return SignedIn(
            at=int(now),
            subject=str(claims["sub"]),
            name=_name(claims),
            transaction=first.transaction,
            response=dict(response),
            rows=first.rows,
            exchange_rows=second.rows,
            given=tokens,
            tokens=tokens,
        )

    async def _exchange(self, code: str, first: Checked) -> tuple[TokenAnswer, Checked]:
        checks = Checklist(EXCHANGE)
        try:
            answer = await self.endpoint.code(code, first.transaction.code_verifier)
        except TokenRefused as refused:
            checks.fail(
                f"The token endpoint answers {refused.status} {refused.error}".rstrip(),
                refused.description,
                error=refused.error,
            )
        except ProviderUnavailable as error:
            checks.fail(f"The provider gives no verdict: {error}.", judged=False)
        checks.judge(True, "The token endpoint takes the code, our secret and the PKCE verifier.")
        return answer, await checked_exchange(
            checks, answer, first, self.id_tokens, now=self.clock()
        )


def _name(claims: Mapping[str, object]) -> str:
    name = claims.get("name")
    return (name if isinstance(name, str) and name else str(claims["sub"]))[:MAX_NAME]
