"""One try with something changed: made, and put down with who refused it and how."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Literal

import httpx

from demo.web_application.checks.display import decoded
from demo.web_application.checks.responses import (
    EXCHANGE,
    Checked,
    checked_exchange,
    checked_response,
)
from demo.web_application.checks.results import CheckFailed, Checklist, Row
from demo.web_application.flow.contacts_api import (
    ContactsApi,
    Exchange,
    exchange_shown,
    request_lines,
)
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.provider.authorization_request import Transaction
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.provider.http import NoAnswer, exchanged
from demo.web_application.provider.token_endpoint import TokenAnswer, TokenRefused
from demo.web_application.session.session import SignedIn

Party = Literal["This web application", "The authorization server", "The API"]

Result = Literal["refused", "not refused", "not judged", "not tried"]
"""`not judged`: it was tried, or should have been, and there is no verdict."""

_DEAD = (
    "The access tokens are dead here. At the API they are good until they expire: it judges them "
    "by their signature and asks nobody. That is why access tokens should end soon."
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try with the changed thing.

    Arguments:
        what: what was tried.
        party: who had to refuse.
        error: the check that failed, or the error code of the answer.
        rows: the checks, where this application made them.
        exchange: the request and its answer, where another party was asked.
        note: what else to know.
    """

    what: str
    party: Party
    result: Result
    status: int | None = None
    error: str = ""
    rows: tuple[Row, ...] = ()
    exchange: Exchange | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Attempts:
    """The ways to try something, each with the party that has to refuse it."""

    flow: HybridFlow
    api: ContactsApi
    http: httpx.AsyncClient

    async def checked_again(
        self, what: str, signed_in: SignedIn, transaction: Transaction
    ) -> Attempt:
        """Check a kept answer as on the day it came, so that only the change can fail."""
        metadata = await self.flow.provider.metadata()
        party: Party = "This web application"
        rows: tuple[Row, ...] = ()
        try:
            first = await checked_response(
                signed_in.response,
                [transaction],
                self.flow.id_tokens,
                names_issuer=metadata.names_issuer,
                now=signed_in.at,
            )
            rows = first.rows
            if first.claims is None:
                rows += (await self._exchange_again(signed_in, first)).rows
        except CheckFailed as failed:
            rows += failed.rows
            if not failed.judged:
                return Attempt(what, party, "not judged", rows=rows)
            return Attempt(what, party, "refused", 400, str(failed), rows=rows)
        return Attempt(what, party, "not refused", rows=rows)

    async def _exchange_again(self, signed_in: SignedIn, first: Checked) -> Checked:
        checks = Checklist(EXCHANGE)
        checks.none("It is not done again: the kept answer is checked.")
        tokens = signed_in.given
        answer = TokenAnswer(tokens.access_token, None, None, tokens.id_token, None)
        return await checked_exchange(checks, answer, first, self.flow.id_tokens, now=signed_in.at)

    async def called_with_own_token(
        self, what: str, audience: str, scope: str, expires_in: int | None = None
    ) -> Attempt:
        try:
            answer = await self.flow.endpoint.client_credentials(audience, scope, expires_in)
        except TokenRefused as refused:
            return Attempt(
                what,
                "The API",
                "not tried",
                note="The authorization server gives this application no such token: "
                f"{refused.status} {refused.error} {refused.description}",
            )
        except ProviderUnavailable as error:
            return Attempt(what, "The API", "not judged", note=_no_verdict(error))
        if expires_in is not None and expires_in < 0 and not self._has_ended(answer.access_token):
            return Attempt(
                what,
                "The API",
                "not tried",
                note="This authorization server gives no expired tokens.",
            )
        return await self.called(what, answer.access_token)

    def _has_ended(self, token: str) -> bool:
        shown = decoded(token)
        ends = shown.claims.get("exp") if shown else None
        return isinstance(ends, int | float) and ends < self.flow.clock()

    async def called(self, what: str, access_token: str) -> Attempt:
        exchange = (await self.api.contacts(access_token)).exchange
        return _answered(what, "The API", exchange)

    async def asked(self, what: str, ask: Callable[[], Awaitable[TokenAnswer]]) -> Attempt:
        party: Party = "The authorization server"
        try:
            await ask()
        except TokenRefused as refused:
            return Attempt(
                what, party, "refused", refused.status, refused.error, note=refused.description
            )
        except ProviderUnavailable as error:
            return Attempt(what, party, "not judged", note=_no_verdict(error))
        return Attempt(what, party, "not refused", 200)

    async def userinfo(self, access_token: str) -> Attempt:
        what = "The access token of the code is sent to the authorization server's /userinfo."
        party: Party = "The authorization server"
        try:
            address = (await self.flow.provider.metadata()).userinfo_endpoint
        except ProviderUnavailable as error:
            return Attempt(what, party, "not judged", note=_no_verdict(error))
        if address is None:
            return Attempt(what, party, "not tried", note="It has no such endpoint.")
        request = self.http.build_request(
            "GET",
            address,
            headers={"Authorization": f"Bearer {access_token}", "Accept": "application/json"},
        )
        lines = request_lines(request, access_token)
        try:
            exchange = exchange_shown(lines, await exchanged(self.http, request))
        except NoAnswer:
            exchange = Exchange(lines, None)
        attempt = _answered(what, party, exchange)
        return replace(attempt, note=_DEAD) if attempt.result == "refused" else attempt


def _answered(what: str, party: Party, exchange: Exchange) -> Attempt:
    if exchange.status is None:
        return Attempt(what, party, "not judged", exchange=exchange, note="There is no answer.")
    if exchange.status in {400, 401, 403}:
        return Attempt(what, party, "refused", exchange.status, exchange.error, exchange=exchange)
    if exchange.status < 300:
        return Attempt(what, party, "not refused", exchange.status, exchange=exchange)
    # That something broke is no judgement.
    note = "The answer says neither yes nor no."
    return Attempt(what, party, "not judged", exchange.status, exchange=exchange, note=note)


def _no_verdict(error: ProviderUnavailable) -> str:
    return f"The authorization server says neither yes nor no: {error}."
