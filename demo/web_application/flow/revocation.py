"""Giving refresh tokens back, so that nobody can use what nobody needs any more (RFC 7009)."""

import asyncio
import logging

import httpx

from demo.web_application.provider.client_authentication import authenticated
from demo.web_application.provider.discovery import Provider, ProviderUnavailable
from demo.web_application.provider.http import NoAnswer, exchanged
from demo.web_application.session.session import SignedIn
from demo.web_application.settings import WebApplicationSettings

logger = logging.getLogger(__name__)

SECONDS = 3.0
"""For all of it: somebody waits to be signed out, and is, whatever comes of this."""


class Revocation:
    """The provider's revocation endpoint, where it has one."""

    def __init__(
        self, settings: WebApplicationSettings, provider: Provider, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._http = http

    async def revoke(self, signed_in: SignedIn | None) -> None:
        """Revoke the refresh token of a sign-in, as far as that can be done now."""
        refresh_token = signed_in.tokens.refresh_token if signed_in else None
        if refresh_token is None:
            return
        try:
            async with asyncio.timeout(SECONDS):
                await self._revoke(refresh_token)
        except (ProviderUnavailable, NoAnswer, TimeoutError) as error:
            kind = type(error).__name__
            logger.warning("A refresh token was not revoked: %s %s", kind, error)

    async def _revoke(self, refresh_token: str) -> None:
        metadata = await self._provider.metadata()
        if metadata.revocation_endpoint is None:
            return
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        request = authenticated(
            self._http, self._settings, metadata, metadata.revocation_endpoint, form
        )
        status = (await exchanged(self._http, request)).status
        if status != 200:
            # Also where the token was worth nothing already, the answer is 200 (§2.2).
            raise NoAnswer(f"the revocation endpoint answers {status}")
