"""Requests to the provider's token endpoint, and the checked shape of its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from demo.web_application.provider.authorization_response import fits_a_header
from demo.web_application.provider.client_authentication import authenticated
from demo.web_application.provider.discovery import Provider, ProviderUnavailable
from demo.web_application.provider.http import Answer, NoAnswer, exchanged
from demo.web_application.settings import WebApplicationSettings

MAX_SHOWN = 300
"""Characters of an error's description that are kept."""


class TokenRefused(Exception):
    """The token endpoint said no: it answered with an OAuth error (RFC 6749 §5.2).

    Arguments:
        status: of the answer.
        error: the code.
        description: what the provider says about it, cut.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        self.status = status
        self.error = error
        self.description = description
        super().__init__(f"status {status}, {error}")


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """A successful answer (RFC 6749 §5.1); nothing in it is verified yet.

    Arguments:
        expires_in: seconds, None where the provider does not say.
        scope: what was granted, None where it is what was asked for.
    """

    access_token: str = field(repr=False)
    expires_in: int | None
    scope: str | None
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)

    def ends(self, now: float) -> int | None:
        """Return when the access token ends, in seconds since the epoch."""
        return None if self.expires_in is None else int(now) + self.expires_in


class TokenEndpoint:
    """The token endpoint, with this application's credentials."""

    def __init__(
        self, settings: WebApplicationSettings, provider: Provider, http: httpx.AsyncClient
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._http = http

    async def code(self, code: str, verifier: str) -> TokenAnswer:
        """Exchange an authorization code (RFC 6749 §4.1.3, RFC 7636 §4.5)."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._settings.redirect_uri,
            "code_verifier": verifier,
        }
        return await self._tokens(form | self._resource())

    async def refresh(self, refresh_token: str) -> TokenAnswer:
        """Ask for new tokens with a refresh token (RFC 6749 §6)."""
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return await self._tokens(form | self._resource())

    async def client_credentials(
        self, audience: str, scope: str, expires_in: int | None = None
    ) -> TokenAnswer:
        """Ask for a token of this application's own (RFC 6749 §4.4).

        Arguments:
            expires_in: seconds; a parameter of the demo's own provider, which gives a token that
                has expired already where it is negative.
        """
        form = {
            "grant_type": "client_credentials",
            self._settings.audience_parameter: audience,
            "scope": scope,
        }
        if expires_in is not None:
            form["expires_in"] = str(expires_in)
        return await self._tokens(form)

    def _resource(self) -> dict[str, str]:
        # RFC 8707 §2.2: the token endpoint is told as well. `audience` belongs to /authorize only.
        if self._settings.audience_parameter == "resource":
            return {"resource": self._settings.audience}
        return {}

    async def _tokens(self, form: Mapping[str, str]) -> TokenAnswer:
        """Send a token request.

        Raises:
            TokenRefused: the provider said no.
            ProviderUnavailable: it said neither yes nor no.
        """
        metadata = await self._provider.metadata()
        request = authenticated(self._http, self._settings, metadata, metadata.token_endpoint, form)
        try:
            return _tokens(await exchanged(self._http, request))
        except NoAnswer as error:
            raise ProviderUnavailable(f"its token endpoint does not answer ({error})") from None


def _tokens(answer: Answer) -> TokenAnswer:
    content = answer.json()
    if answer.status != 200:
        raise _fault(answer.status, content)
    access_token, kind = _text(content, "access_token"), _text(content, "token_type")
    is_bearer = (kind or "").lower() == "bearer"
    if not is_bearer or access_token is None or not fits_a_header(access_token):
        raise ProviderUnavailable(
            "its token endpoint answers 200, and no access token of type Bearer"
        )
    seconds = content.get("expires_in")
    return TokenAnswer(
        access_token=access_token,
        expires_in=seconds if isinstance(seconds, int) and not isinstance(seconds, bool) else None,
        scope=_text(content, "scope"),
        id_token=_text(content, "id_token"),
        refresh_token=_text(content, "refresh_token"),
    )


def _fault(status: int, content: Mapping[str, object]) -> TokenRefused | ProviderUnavailable:
    error = _text(content, "error")
    # A server that is broken or busy has not judged, whatever it writes into its answer.
    if error is None or not 400 <= status < 500 or status == 429:
        return ProviderUnavailable(f"its token endpoint answers {status}, and no OAuth error")
    description = _text(content, "error_description") or ""
    return TokenRefused(status, error[:MAX_SHOWN], description[:MAX_SHOWN])


def _text(content: Mapping[str, object], name: str) -> str | None:
    value = content.get(name)
    return value if isinstance(value, str) and value else None
