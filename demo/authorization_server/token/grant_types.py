"""The grant types of the token endpoint: authorization_code, refresh_token, client_credentials."""

import base64
import hashlib
import hmac
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from demo.authorization_server.registrations.claims import STANDARD_SCOPES
from demo.authorization_server.registrations.model import Client
from demo.authorization_server.registrations.scopes import known_scopes, recognised_scopes
from demo.authorization_server.requests.client_body import requested_lifetime, required
from demo.authorization_server.requests.oauth_error import OAuthError
from demo.authorization_server.requests.resource_indicators import (
    TargetInvalid,
    requested_api,
    requested_audience,
)
from demo.authorization_server.server import Server
from demo.authorization_server.state.grants import Code, Grant
from demo.authorization_server.token.issuing import Issuing

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
"""RFC 7636 §4.1."""

logger = logging.getLogger("demo.authorization_server")

TokenResponse = dict[str, object]


@dataclass(frozen=True, slots=True)
class GrantTypes:
    """Answers clients that are authenticated and registered for the grant type.

    Each method raises OAuthError if it refuses the request.
    """

    server: Server
    issuing: Issuing

    async def authorization_code(
        self, client: Client, parameters: Mapping[str, str]
    ) -> TokenResponse:
        """Exchange an authorization code for tokens (RFC 6749 §4.1.3)."""
        value = required(parameters, "code")
        code = await self.server.state.grants.find_code(value)
        if code is None or code.grant.client_id != client.client_id:
            # Another client's code stays valid, so that a thief cannot make it useless.
            raise OAuthError("invalid_grant", "This client has no such code.")
        grant = code.grant
        if code.used:
            await self._revoke(grant, "A code was replayed")
            raise OAuthError("invalid_grant", "The code was used before.")
        if code.expires_at <= self.server.clock():
            raise OAuthError("invalid_grant", "The code has expired.")
        if required(parameters, "redirect_uri") != code.redirect_uri:
            raise OAuthError(
                "invalid_grant", "redirect_uri differs from the one in the authorization request."
            )
        _check_verifier(parameters.get("code_verifier"), code, client)
        _check_audience(parameters, grant)
        granted = self._still_granted(grant)
        if not await self.server.state.grants.use_code(value):
            # Another request used the code after the check above.
            await self._revoke(grant, "A code was replayed")
            raise OAuthError("invalid_grant", "The code was used before.")
        refresh_token = (
            await self.server.state.tokens.add_refresh_token(grant)
            if self._may_refresh(granted)
            else None
        )
        return await self._response(granted, "authorization_code", refresh_token)

    async def refresh_token(self, client: Client, parameters: Mapping[str, str]) -> TokenResponse:
        """Exchange a refresh token for the next tokens (RFC 6749 §6).

        A second use of a refresh token revokes the grant (RFC 9700 §4.14.2).
        """
        value = required(parameters, "refresh_token")
        token = await self.server.state.tokens.find_refresh_token(value)
        if token is None or token.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "This client has no such valid refresh token.")
        if token.used:
            await self._revoke(token.grant, "A refresh token was reused")
            raise OAuthError("invalid_grant", "The refresh token was used before.")
        _check_audience(parameters, token.grant)
        granted = self._still_granted(token.grant)
        if not self._may_refresh(granted):
            raise OAuthError("invalid_grant", "Refresh tokens are no longer allowed.")
        scopes = self._narrowed_scopes(parameters, granted)
        next_token = await self.server.state.tokens.rotate_refresh_token(value)
        if next_token is None:
            await self._revoke(token.grant, "A refresh token was reused")
            raise OAuthError("invalid_grant", "The refresh token was used before.")
        # The nonce belongs to the authorization request only (OpenID Connect Core §12.2).
        refreshed = replace(granted, scopes=scopes, nonce=None)
        return await self._response(refreshed, "refresh_token", next_token)

    async def client_credentials(
        self, client: Client, parameters: Mapping[str, str]
    ) -> TokenResponse:
        """Give a token to the client itself (RFC 6749 §4.4)."""
        if client.is_public:
            raise OAuthError(
                "unauthorized_client", "Only a client with a secret may use client_credentials."
            )
        try:
            api = requested_api(parameters, self.server.registrations)
        except TargetInvalid as fault:
            raise OAuthError("invalid_target", str(fault)) from None
        if api is None:
            raise OAuthError("invalid_request", "audience or resource is missing.")
        scopes = recognised_scopes(parameters.get("scope", ""), self._known_scopes())
        if not scopes or not set(scopes) <= api.scopes.keys():
            raise OAuthError(
                "invalid_scope", f"scope must name one or more of: {' '.join(api.scopes)}."
            )
        lifetime = requested_lifetime(parameters)
        grant = await self.server.state.grants.open(
            client_id=client.client_id, username=None, audience=api.identifier, scopes=scopes
        )
        return await self._response(grant, "client-credentials", None, lifetime)

    async def _response(
        self, grant: Grant, gty: str, refresh_token: str | None, lifetime: int | None = None
    ) -> TokenResponse:
        token = await self.issuing.access_token(grant, gty=gty, lifetime=lifetime)
        response: TokenResponse = {
            "access_token": token.value,
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "scope": " ".join(grant.scopes),
        }
        if "openid" in grant.scopes:
            response["id_token"] = self.issuing.id_token(grant, access_token=token.value)
        if refresh_token is not None:
            response["refresh_token"] = refresh_token
        return response

    def _still_granted(self, grant: Grant) -> Grant:
        """Return the grant without the scopes that are no longer registered.

        A scope with a URL as its name stays: it releases the claim of that name, if the user still
        has one.
        """
        registrations = self.server.registrations
        api = registrations.apis.get(grant.audience or "")
        if grant.username not in registrations.users or (grant.audience and api is None):
            raise OAuthError("invalid_grant", "The user or the API is no longer registered.")
        known = {*STANDARD_SCOPES, *(api.scopes if api else ())}
        scopes = tuple(name for name in grant.scopes if name in known or "://" in name)
        if not scopes:
            raise OAuthError("invalid_grant", "None of the granted scopes is registered any more.")
        return replace(grant, scopes=scopes)

    def _narrowed_scopes(self, parameters: Mapping[str, str], grant: Grant) -> tuple[str, ...]:
        if "scope" not in parameters:
            return grant.scopes
        known = self._known_scopes().union(grant.scopes)
        scopes = recognised_scopes(parameters["scope"], known)
        if not scopes or not set(scopes) <= set(grant.scopes):
            raise OAuthError(
                "invalid_scope", "scope must name one or more of the granted scopes, and no others."
            )
        return scopes

    def _known_scopes(self) -> frozenset[str]:
        registrations = self.server.registrations
        return known_scopes(registrations, registrations.apis.values())

    def _may_refresh(self, grant: Grant) -> bool:
        api = self.server.registrations.apis.get(grant.audience or "")
        client = self.server.registrations.clients[grant.client_id]
        return "offline_access" in grant.scopes and client.may_refresh(api)

    async def _revoke(self, grant: Grant, reason: str) -> None:
        await self.server.state.grants.revoke(grant.grant_id)
        logger.warning(
            "%s: the grant of user %s to client %s and all its tokens are revoked",
            reason,
            grant.username,
            grant.client_id,
        )


def _check_audience(parameters: Mapping[str, str], grant: Grant) -> None:
    """Check that the request names no other API than the grant (RFC 8707 §2.2)."""
    try:
        audience = requested_audience(parameters)
    except TargetInvalid as fault:
        raise OAuthError("invalid_target", str(fault)) from None
    if audience not in {None, grant.audience}:
        raise OAuthError("invalid_target", "The grant is for another API.")


def _check_verifier(verifier: str | None, code: Code, client: Client) -> None:
    """Check that the client started the authorization request (PKCE, RFC 7636 §4.6)."""
    if code.code_challenge is None:
        if client.is_public:
            # /authorize requires a challenge of public clients. This client was registered with a
            # secret when the code was issued.
            raise OAuthError("invalid_grant", "A public client's code needs a code_challenge.")
        if verifier is not None:
            # An attacker may have removed the challenge from the request (RFC 9700 §4.8.2).
            raise OAuthError(
                "invalid_grant",
                "code_verifier is sent, but the authorization request had no code_challenge.",
            )
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is missing or malformed.")
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(challenge, code.code_challenge.encode()):
        raise OAuthError("invalid_grant", "code_verifier does not match the code_challenge.")
