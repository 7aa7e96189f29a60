"""What a client gives for tokens: an authorization code, a refresh token, or only its own proof."""

import base64
import hashlib
import hmac
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from demo.authorization_server.authorize.permissions import known_scopes, understood
from demo.authorization_server.registrations.model import (
    STANDARD_SCOPES,
    Client,
    Registrations,
)
from demo.authorization_server.requests.oauth_error import OAuthError
from demo.authorization_server.requests.resource_indicators import TargetInvalid, target, target_api
from demo.authorization_server.state.grants import Code, Grant
from demo.authorization_server.state.state import State
from demo.authorization_server.token.issuing import Issuing
from demo.authorization_server.token.lifetime import lifetime

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
"""RFC 7636 §4.1."""

logger = logging.getLogger("demo")

Answer = dict[str, object]


class GrantTypes:
    """Answers an authenticated client that is registered for the grant type; raises OAuthError."""

    def __init__(
        self,
        *,
        registrations: Registrations,
        issuing: Issuing,
        state: State,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._registrations = registrations
        self._issuing = issuing
        self._state = state
        self._clock = clock
        self._known_scopes = known_scopes(registrations, registrations.apis.values())

    async def authorization_code(self, client: Client, given: Mapping[str, str]) -> Answer:
        """Give tokens for a code (RFC 6749 §4.1.3)."""
        value = _required(given, "code")
        code = await self._state.grants.find_code(value)
        if code is None or code.grant.client_id != client.client_id:
            # One of another client stays good: whoever stole it must not be able to spoil it.
            raise OAuthError("invalid_grant", "The code is not one of this client.")
        grant = code.grant
        if code.used:
            await self._revoke(grant, "A code was replayed")
            raise OAuthError("invalid_grant", "The code was used before.")
        if code.expires_at <= self._clock():
            raise OAuthError("invalid_grant", "The code has expired.")
        if _required(given, "redirect_uri") != code.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri is not the one of the request.")
        _check_verifier(given.get("code_verifier"), code, client)
        _check_target(given, grant)
        granted = self._still_granted(grant)
        if not await self._state.grants.use_code(value):
            # Between the question and the use somebody else used it.
            await self._revoke(grant, "A code was replayed")
            raise OAuthError("invalid_grant", "The code was used before.")
        refresh_token = (
            await self._state.tokens.add_refresh_token(grant)
            if self._refreshable(granted)
            else None
        )
        return await self._answer(granted, "authorization_code", refresh_token)

    async def refresh_token(self, client: Client, given: Mapping[str, str]) -> Answer:
        """Give the next tokens of a grant (RFC 6749 §6); a token used twice ends it (RFC 9700)."""
        value = _required(given, "refresh_token")
        token = await self._state.tokens.find_refresh_token(value)
        if token is None or token.grant.client_id != client.client_id:
            raise OAuthError("invalid_grant", "The refresh token is not a good one of this client.")
        if token.used:
            await self._revoke(token.grant, "A refresh token was reused")
            raise OAuthError("invalid_grant", "The refresh token was used before.")
        _check_target(given, token.grant)
        granted = self._still_granted(token.grant)
        if not self._refreshable(granted):
            raise OAuthError("invalid_grant", "Refresh tokens are not allowed any longer.")
        scopes = self._narrowed(given, granted)
        following = await self._state.tokens.rotate_refresh_token(value)
        if following is None:
            await self._revoke(token.grant, "A refresh token was reused")
            raise OAuthError("invalid_grant", "The refresh token was used before.")
        # What is refreshed answers no authorization request (OpenID Connect Core §12.2).
        refreshed = replace(granted, scopes=scopes, nonce=None)
        return await self._answer(refreshed, "refresh_token", following)

    async def client_credentials(self, client: Client, given: Mapping[str, str]) -> Answer:
        """Give a token to the client itself (RFC 6749 §4.4)."""
        if client.is_public:
            raise OAuthError("unauthorized_client", "Only a client with a secret may do so.")
        try:
            api = target_api(given, self._registrations)
        except TargetInvalid as fault:
            raise OAuthError("invalid_target", str(fault)) from None
        if api is None:
            raise OAuthError("invalid_request", "audience or resource is missing.")
        scopes = understood(given.get("scope", ""), self._known_scopes)
        if not scopes or not set(scopes) <= api.scopes.keys():
            raise OAuthError(
                "invalid_scope", f"scope must name one or more of: {' '.join(api.scopes)}."
            )
        seconds = lifetime(given)
        grant = await self._state.grants.open(
            client_id=client.client_id, username=None, audience=api.identifier, scopes=scopes
        )
        return await self._answer(grant, "client-credentials", None, seconds)

    async def _answer(
        self, grant: Grant, gty: str, refresh_token: str | None, seconds: int | None = None
    ) -> Answer:
        token = await self._issuing.access_token(grant, gty=gty, lifetime=seconds)
        answer: Answer = {
            "access_token": token.value,
            "token_type": "Bearer",
            "expires_in": token.expires_in,
            "scope": " ".join(grant.scopes),
        }
        if "openid" in grant.scopes:
            answer["id_token"] = self._issuing.id_token(grant, access_token=token.value)
        if refresh_token is not None:
            answer["refresh_token"] = refresh_token
        return answer

    def _still_granted(self, grant: Grant) -> Grant:
        """Return the grant without what is not registered any longer.

        A scope with a URL for a name is a custom claim: it gives what the user has under it.
        """
        api = self._registrations.apis.get(grant.audience or "")
        if grant.username not in self._registrations.users or (grant.audience and api is None):
            raise OAuthError("invalid_grant", "The user or the API is not registered any longer.")
        known = {*STANDARD_SCOPES, *(api.scopes if api else ())}
        scopes = tuple(name for name in grant.scopes if name in known or "://" in name)
        if not scopes:
            raise OAuthError("invalid_grant", "Nothing of what was granted is left.")
        return replace(grant, scopes=scopes)

    def _narrowed(self, given: Mapping[str, str], grant: Grant) -> tuple[str, ...]:
        if "scope" not in given:
            return grant.scopes
        scopes = understood(given["scope"], self._known_scopes.union(grant.scopes))
        if not scopes or not set(scopes) <= set(grant.scopes):
            raise OAuthError(
                "invalid_scope", "scope must name something of what was granted, and no more."
            )
        return scopes

    def _refreshable(self, grant: Grant) -> bool:
        api = self._registrations.apis.get(grant.audience or "")
        client = self._registrations.clients[grant.client_id]
        return (
            "offline_access" in grant.scopes
            and api is not None
            and api.allow_offline_access
            and "refresh_token" in client.grant_types
        )

    async def _revoke(self, grant: Grant, what: str) -> None:
        await self._state.grants.revoke(grant.grant_id)
        logger.warning(
            "%s: the grant of user %s to client %s is revoked, with all its tokens",
            what,
            grant.username,
            grant.client_id,
        )


def _required(given: Mapping[str, str], name: str) -> str:
    if name not in given:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return given[name]


def _check_target(given: Mapping[str, str], grant: Grant) -> None:
    """Check that an API that is named is the one of the grant (RFC 8707 §2.2)."""
    try:
        asked = target(given)
    except TargetInvalid as fault:
        raise OAuthError("invalid_target", str(fault)) from None
    if asked not in {None, grant.audience}:
        raise OAuthError("invalid_target", "The grant is not for this API.")


def _check_verifier(verifier: str | None, code: Code, client: Client) -> None:
    """Check the proof of who started the request (RFC 7636 §4.6)."""
    if code.code_challenge is None:
        if client.is_public:
            # /authorize makes no such code; the client had a secret when it was made.
            raise OAuthError("invalid_grant", "A public client's code needs a challenge.")
        if verifier is not None:
            # The challenge was taken out of the request on its way (RFC 9700 §2.1.1).
            raise OAuthError("invalid_grant", "code_verifier is sent, and there was no challenge.")
        return
    if verifier is None or not _VERIFIER.fullmatch(verifier):
        raise OAuthError("invalid_grant", "code_verifier is missing or not well-formed.")
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    challenge = base64.urlsafe_b64encode(digest).rstrip(b"=")
    if not hmac.compare_digest(challenge, code.code_challenge.encode()):
        raise OAuthError("invalid_grant", "code_verifier does not fit the challenge.")
