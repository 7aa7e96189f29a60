"""Requests to the token and revocation endpoints, with the client's credentials."""

import asyncio
import logging
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

import httpx

from demo.web_application.provider.authorization_response import is_header_safe
from demo.web_application.provider.discovery import Metadata, Provider, ProviderUnavailable
from demo.web_application.provider.http import Answer, NoAnswer, send
from demo.web_application.settings import WebApplicationSettings

logger = logging.getLogger(__name__)

REVOCATION_TIMEOUT = 3.0
"""Seconds; a person waits to be signed out, which works even if the revocation fails."""

MAX_SHOWN = 300
"""Characters of an error code or description that are kept."""


class TokenRefused(Exception):
    """The token endpoint answered with an OAuth error (RFC 6749 §5.2).

    Arguments:
        status: the HTTP status.
        error: the error code.
        description: the `error_description`, cut to `MAX_SHOWN`.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"status {status}, {error}")


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A successful token response (RFC 6749 §5.1); its tokens are not yet verified.

    Arguments:
        expires_in: seconds, None if the response does not say.
        scope: the granted scope, None if it is the requested one.
    """

    access_token: str = field(repr=False)
    expires_in: int | None
    scope: str | None
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)

    def expires_at(self, now: float) -> int | None:
        """Return when the access token expires, in seconds since the epoch."""
        return None if self.expires_in is None else int(now) + self.expires_in


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The token and revocation endpoints, called with this application's credentials."""

    settings: WebApplicationSettings
    provider: Provider
    http: httpx.AsyncClient

    async def exchange_code(self, code: str, verifier: str) -> TokenResponse:
        """Exchange an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect_uri,
            "code_verifier": verifier,
        }
        return await self._request(form | self._resource())

    async def refresh(self, refresh_token: str) -> TokenResponse:
        """Request new tokens with a refresh token (RFC 6749 §6)."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._request(form | self._resource())

    async def client_credentials(
        self, audience: str, scope: str, expires_in: int | None = None
    ) -> TokenResponse:
        """Request an access token for this application itself (RFC 6749 §4.4).

        Arguments:
            expires_in: seconds; a parameter of the demo's authorization server only, which issues
                an expired token for a negative value.
        """
        form = {
            "grant_type": "client_credentials",
            self.settings.audience_parameter: audience,
            "scope": scope,
        }
        if expires_in is not None:
            form["expires_in"] = str(expires_in)
        return await self._request(form)

    async def revoke(self, refresh_token: str | None) -> None:
        """Revoke a refresh token (RFC 7009); a failure is logged and not raised."""
        if refresh_token is None:
            return
        form = {"token": refresh_token, "token_type_hint": "refresh_token"}
        try:
            async with asyncio.timeout(REVOCATION_TIMEOUT):
                metadata = await self.provider.metadata()
                if metadata.revocation_endpoint is None:
                    return
                status = (await self._post(metadata, metadata.revocation_endpoint, form)).status
            if status != 200:
                # The status is 200 for a token that is invalid already, too (RFC 7009 §2.2).
                raise NoAnswer(f"the revocation endpoint answers {status}, expected 200")
        except (ProviderUnavailable, NoAnswer, TimeoutError) as error:
            logger.warning(
                "A refresh token was not revoked and stays valid until it expires: %s %s",
                type(error).__name__,
                error,
            )

    def _resource(self) -> dict[str, str]:
        # `resource` goes to both endpoints (RFC 8707 §2.2), `audience` to /authorize only.
        if self.settings.audience_parameter == "resource":
            return {"resource": self.settings.audience}
        return {}

    async def _request(self, form: Mapping[str, str]) -> TokenResponse:
        """Send a token request.

        Raises:
            TokenRefused: the provider answered with an OAuth error.
            ProviderUnavailable: the provider did not answer, or not with a verdict.
        """
        metadata = await self.provider.metadata()
        try:
            return _token_response(await self._post(metadata, metadata.token_endpoint, form))
        except NoAnswer as error:
            raise ProviderUnavailable(f"its token endpoint does not answer ({error})") from None

    async def _post(self, metadata: Metadata, endpoint: str, form: Mapping[str, str]) -> Answer:
        """Send a form with the credentials, by a method that the provider supports."""
        client_id, secret = self.settings.client_id, self.settings.client_secret
        headers, sent = {"Accept": "application/json"}, dict(form)
        if "client_secret_basic" in metadata.authentication:
            # Form-encoded first, because a colon separates the two parts (RFC 6749 §2.3.1).
            pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            sent |= {"client_id": client_id, "client_secret": secret}
        return await send(
            self.http, self.http.build_request("POST", endpoint, data=sent, headers=headers)
        )


def _token_response(answer: Answer) -> TokenResponse:
    content = answer.json()
    if answer.status != 200:
        raise _error(answer.status, content)
    access_token, kind = _text(content, "access_token"), _text(content, "token_type")
    is_bearer = (kind or "").lower() == "bearer"
    if not is_bearer or access_token is None or not is_header_safe(access_token):
        raise ProviderUnavailable(
            "its token endpoint answers 200 without an access token of type Bearer"
        )
    seconds = content.get("expires_in")
    return TokenResponse(
        access_token=access_token,
        expires_in=seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None,
        scope=_text(content, "scope"),
        id_token=_text(content, "id_token"),
        refresh_token=_text(content, "refresh_token"),
    )


def _error(status: int, content: Mapping[str, object]) -> TokenRefused | ProviderUnavailable:
    error = _text(content, "error")
    # A server error or 429 is no verdict, even if the body names an OAuth error.
    if error is None or not 400 <= status < 500 or status == 429:
        return ProviderUnavailable(f"its token endpoint answers {status} without an OAuth error")
    description = _text(content, "error_description") or ""
    return TokenRefused(status, error[:MAX_SHOWN], description[:MAX_SHOWN])


def _text(content: Mapping[str, object], name: str) -> str | None:
    value = content.get(name)
    return value if isinstance(value, str) and value else None
