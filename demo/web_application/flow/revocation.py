"""The revocation of refresh tokens at sign-out (RFC 7009)."""

import asyncio
import logging
from dataclasses import dataclass

import httpx

from demo.web_application.provider.client_authentication import authenticated_request
from demo.web_application.provider.discovery import Provider, ProviderUnavailable
from demo.web_application.provider.http import NoAnswer, send
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

logger = logging.getLogger(__name__)

TIMEOUT = 3.0
"""Seconds; a person waits to be signed out, which works even if the revocation fails."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """The provider's revocation endpoint, if it has one."""

    settings: WebApplicationSettings
    provider: Provider
    http: httpx.AsyncClient

    async def revoke(self, signed_in: SignedIn | None) -> None:
        """Revoke the refresh token of a sign-in; a failure is logged and not raised."""
        refresh_token = signed_in.tokens.refresh_token if signed_in else None
        if refresh_token is None:
            return
        try:
            async with asyncio.timeout(TIMEOUT):
                await self._revoke(refresh_token)
        except (ProviderUnavailable, NoAnswer, TimeoutError) as error:
            logger.warning(
                "A refresh token was not revoked and stays valid until it expires: %s %s",
                type(error).__name__,
                error,
            )

    async def _revoke(self, refresh_token: str) -> None:
        metadata = await self.provider.metadata()
        if metadata.revocation_endpoint is None:
            return
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        request = authenticated_request(
            self.http, self.settings, metadata, metadata.revocation_endpoint, form
        )
        status = (await send(self.http, request)).status
        if status != 200:
            # The status is 200 for a token that is invalid already, too (RFC 7009 §2.2).
            raise NoAnswer(f"the revocation endpoint answers {status}, expected 200")
