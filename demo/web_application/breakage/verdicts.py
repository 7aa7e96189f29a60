"""The targets of an attack, and their verdicts: which party refused it, and how."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

from demo.web_application.checks.display import decoded
from demo.web_application.checks.responses import (
    TOKEN_RESPONSE,
    check_authorization_response,
    check_later_id_token,
)
from demo.web_application.checks.results import CheckFailed, CheckResult, Checks
from demo.web_application.flow.contacts_api import ContactsApi, HttpExchange, bearer_exchange
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.provider.authorization_request import Transaction
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.provider.token_endpoint import TokenRefused, TokenResponse
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

Party = Literal["This web application", "The authorization server", "The API"]

Result = Literal["refused", "accepted", "no verdict", "not tried"]

_REVOKED = (
    "The authorization server no longer accepts the access tokens. The API still does, until they "
    "expire: it verifies their signature and does not ask the authorization server. Access tokens "
    "should therefore be short-lived."
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a party answered an attack.

    Arguments:
        action: what was sent to the party or checked by it.
        party: the one that must refuse.
        error: the name of the failed check, or the error code of the response.
        checks: their results, if this application is the party.
        exchange: the HTTP request and response, if another party is.
    """

    action: str
    party: Party
    result: Result
    status: int | None = None
    error: str = ""
    checks: tuple[CheckResult, ...] = ()
    exchange: HttpExchange | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """What can be attacked: the checks of this application, the authorization server, the API."""

    settings: WebApplicationSettings
    flow: HybridFlow
    api_client: ContactsApi

    async def own_checks(
        self, action: str, signed_in: SignedIn, transaction: Transaction
    ) -> Verdict:
        """Check the stored responses as at sign-in, so that only the changed part can fail."""
        metadata = await self.flow.provider.metadata()
        party: Party = "This web application"
        results: tuple[CheckResult, ...] = ()
        try:
            first = await check_authorization_response(
                signed_in.response,
                [transaction],
                self.flow.id_tokens,
                names_issuer=metadata.names_issuer,
                now=signed_in.at,
            )
            results = first.results
            if first.claims is None:
                checks = Checks(TOKEN_RESPONSE)
                checks.nothing_to_check(
                    "The code is not exchanged again: the stored response is checked."
                )
                tokens = signed_in.first_tokens
                response = TokenResponse(tokens.access_token, None, None, tokens.id_token, None)
                await check_later_id_token(
                    checks, response, transaction, None, self.flow.id_tokens, now=signed_in.at
                )
                results += checks.results()
        except CheckFailed as failed:
            results += failed.results
            if not failed.judged:
                return Verdict(action, party, "no verdict", checks=results)
            return Verdict(action, party, "refused", 400, str(failed), checks=results)
        return Verdict(action, party, "accepted", checks=results)

    async def api_with_client_token(
        self, action: str, audience: str, scope: str, expires_in: int | None = None
    ) -> Verdict:
        """Call the API with an access token that was issued to this application itself."""
        try:
            answer = await self.flow.endpoint.client_credentials(audience, scope, expires_in)
        except TokenRefused as refused:
            return Verdict(
                action,
                "The API",
                "not tried",
                note="The authorization server does not issue such a token to this application: "
                f"{refused.status} {refused.error} {refused.description}",
            )
        except ProviderUnavailable as error:
            return Verdict(action, "The API", "no verdict", note=_no_verdict(error))
        content = decoded(answer.access_token)
        is_expired = content is not None and content.state(self.flow.clock()) == "expired"
        if expires_in is not None and expires_in < 0 and not is_expired:
            return Verdict(
                action,
                "The API",
                "not tried",
                note="This authorization server does not issue expired tokens.",
            )
        return await self.api(action, answer.access_token)

    async def api(self, action: str, access_token: str) -> Verdict:
        """Call the API."""
        exchange = (await self.api_client.contacts(access_token)).exchange
        return _verdict(action, "The API", exchange)

    async def token_endpoint(
        self, action: str, request: Callable[[], Awaitable[TokenResponse]]
    ) -> Verdict:
        """Send a token request."""
        party: Party = "The authorization server"
        try:
            await request()
        except TokenRefused as refused:
            return Verdict(
                action, party, "refused", refused.status, refused.error, note=refused.description
            )
        except ProviderUnavailable as error:
            return Verdict(action, party, "no verdict", note=_no_verdict(error))
        return Verdict(action, party, "accepted", 200)

    async def userinfo(self, access_token: str) -> Verdict:
        """Send an access token to the userinfo endpoint."""
        action = "The userinfo endpoint gets the access token that was issued for the code."
        party: Party = "The authorization server"
        try:
            address = (await self.flow.provider.metadata()).userinfo_endpoint
        except ProviderUnavailable as error:
            return Verdict(action, party, "no verdict", note=_no_verdict(error))
        if address is None:
            note = "The authorization server has no such endpoint."
            return Verdict(action, party, "not tried", note=note)
        exchange, _ = await bearer_exchange(self.flow.endpoint.http, address, access_token)
        verdict = _verdict(action, party, exchange)
        return replace(verdict, note=_REVOKED) if verdict.result == "refused" else verdict


def _verdict(action: str, party: Party, exchange: HttpExchange) -> Verdict:
    if exchange.status is None:
        note = "There is no response."
        return Verdict(action, party, "no verdict", exchange=exchange, note=note)
    if exchange.status in {400, 401, 403}:
        return Verdict(action, party, "refused", exchange.status, exchange.error, exchange=exchange)
    if exchange.status < 300:
        return Verdict(action, party, "accepted", exchange.status, exchange=exchange)
    # A server error is no refusal.
    note = "This status is neither a refusal nor a success."
    return Verdict(action, party, "no verdict", exchange.status, exchange=exchange, note=note)


def _no_verdict(error: ProviderUnavailable) -> str:
    return f"The authorization server gives no verdict: {error}."
