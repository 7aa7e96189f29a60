"""A sign-in: the authorization request, the checks of its response, and the code exchange."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from demo.web_application.checks.id_token import IdTokens
from demo.web_application.checks.responses import (
    TOKEN_RESPONSE,
    check_authorization_response,
    check_later_id_token,
)
from demo.web_application.checks.results import CheckFailed, CheckResult, Checks
from demo.web_application.provider.authorization_request import Selection, Transaction
from demo.web_application.provider.discovery import Provider, ProviderUnavailable
from demo.web_application.provider.token_endpoint import TokenEndpoint, TokenRefused, TokenResponse
from demo.web_application.session.session import SignedIn, Tokens

MAX_NAME = 100
"""Characters of a person's name that the pages show."""


class SignInFailed(Exception):
    """A check of the sign-in failed.

    Arguments:
        response_checks: of the authorization response.
        exchange_checks: of the token response.
        failed: the check that failed, in one of the two.
    """

    def __init__(
        self,
        response_checks: tuple[CheckResult, ...],
        exchange_checks: tuple[CheckResult, ...],
        failed: CheckFailed,
    ) -> None:
        self.response_checks = response_checks
        self.exchange_checks = exchange_checks
        self.failed = failed
        super().__init__(str(failed))


@dataclass(frozen=True, slots=True)
class HybridFlow:
    """The Hybrid Flow with one provider; `clock` returns seconds since the epoch."""

    provider: Provider
    endpoint: TokenEndpoint
    id_tokens: IdTokens
    clock: Callable[[], float]
    token: Callable[[], str]

    def begin(self, selection: Selection) -> Transaction:
        """Return a new request with new random values."""
        return Transaction(
            selection=selection,
            state=self.token(),
            nonce=self.token(),
            code_verifier=self.token(),
            started=int(self.clock()),
        )

    async def finish(self, response: Mapping[str, str], pending: Sequence[Transaction]) -> SignedIn:
        """Check the authorization response, exchange its code, and check the token response.

        Raises:
            SignInFailed: a check failed; the steps after it were not taken.
            ProviderUnavailable: the provider's metadata is not available.
        """
        metadata = await self.provider.metadata()
        now = self.clock()
        exchange_checks = Checks(TOKEN_RESPONSE)
        try:
            first = await check_authorization_response(
                response, pending, self.id_tokens, names_issuer=metadata.names_issuer, now=now
            )
        except CheckFailed as failed:
            raise SignInFailed(failed.results, exchange_checks.results(), failed) from None
        transaction = first.transaction
        try:
            answer = await self._exchange(exchange_checks, response["code"], transaction)
            claims = await check_later_id_token(
                exchange_checks, answer, transaction, first.claims, self.id_tokens, now=self.clock()
            )
        except CheckFailed as failed:
            raise SignInFailed(first.results, failed.results, failed) from None
        requested = " ".join(transaction.selection.scopes)
        tokens = Tokens(
            access_token=answer.access_token,
            access_expires_at=answer.expires_at(self.clock()),
            scope=requested if answer.scope is None else answer.scope,
            id_token=answer.id_token or "",
            refresh_token=answer.refresh_token,
        )
        return SignedIn(
            at=int(now),
            subject=str(claims["sub"]),
            name=_name(claims),
            transaction=transaction,
            response=dict(response),
            response_checks=first.results,
            exchange_checks=exchange_checks.results(),
            first_tokens=tokens,
            tokens=tokens,
        )

    async def _exchange(self, checks: Checks, code: str, transaction: Transaction) -> TokenResponse:
        try:
            answer = await self.endpoint.exchange_code(code, transaction.code_verifier)
        except TokenRefused as refused:
            checks.fail(
                f"The token endpoint answers {refused.status} {refused.error}".rstrip(),
                refused.description,
                error=refused.error,
            )
        except ProviderUnavailable as error:
            checks.fail(f"The provider gives no verdict: {error}.", judged=False)
        checks.record(
            True, "The token endpoint accepts the code, the client secret and the PKCE verifier."
        )
        return answer


def _name(claims: Mapping[str, object]) -> str:
    name = claims.get("name")
    return (name if isinstance(name, str) and name else str(claims["sub"]))[:MAX_NAME]
