"""The refresh: new tokens for a refresh token, and the sign-in that remains if it fails."""

from dataclasses import replace

from asgi_bearer.jose import parse
from demo.web_application.checks.display import MAX_TOKEN_BYTES, abbreviated, decoded
from demo.web_application.checks.responses import LATER_ID_TOKEN, check_later_id_token
from demo.web_application.checks.results import CheckFailed, Checks
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.provider.discovery import ProviderUnavailable
from demo.web_application.provider.token_endpoint import TokenRefused, TokenResponse
from demo.web_application.session.session import Refreshed, SignedIn, Tokens

SOON = 10
"""Seconds; an access token that expires earlier is refreshed before it is sent."""


class RefreshFailed(Exception):
    """A refresh brought no access token; the message is for the person.

    Arguments:
        remaining: the sign-in to save now.
        judged: False if the new ID token could not be checked.
    """

    def __init__(self, sentence: str, remaining: SignedIn, *, judged: bool = True) -> None:
        self.remaining = remaining
        self.judged = judged
        super().__init__(sentence)


async def refreshed(flow: HybridFlow, signed_in: SignedIn) -> SignedIn:
    """Return the sign-in with new tokens (RFC 6749 §6).

    Raises:
        RefreshFailed: there is no refresh token, the provider refuses it, or the new ID token
            fails a check.
        ProviderUnavailable: the provider gives no verdict; the refresh token may still be valid.
    """
    current = signed_in.tokens
    if current.refresh_token is None:
        raise RefreshFailed("The refresh failed: There is no refresh token.", signed_in)
    try:
        answer = await flow.endpoint.refresh(current.refresh_token)
    except TokenRefused as refused:
        # Any other error concerns this application or its request: the refresh token stays.
        is_invalid = refused.error == "invalid_grant"
        remaining = _with_refresh_token(signed_in, None) if is_invalid else signed_in
        sentence = f"{refused.status} {refused.error} {refused.description}".strip()
        raise RefreshFailed(f"The refresh was refused: {sentence}", remaining) from None
    # A member that the response omits is unchanged.
    tokens = Tokens(
        access_token=answer.access_token,
        access_expires_at=answer.expires_at(flow.clock()),
        scope=current.scope if answer.scope is None else answer.scope,
        id_token=answer.id_token or current.id_token,
        refresh_token=answer.refresh_token or current.refresh_token,
    )
    if answer.id_token is not None:
        await _check_id_token(flow, signed_in, answer, tokens.refresh_token)
    change = Refreshed(
        at=int(flow.clock()),
        before=token_name(current.access_token),
        after=token_name(answer.access_token),
        rotated=tokens.refresh_token != current.refresh_token,
    )
    return replace(signed_in, tokens=tokens, refreshed=change)


async def refreshed_if_needed(flow: HybridFlow, signed_in: SignedIn) -> SignedIn:
    """Return the sign-in, refreshed if its access token expires soon and can be refreshed.

    Raises:
        ProviderUnavailable: the access token has expired, and the provider gives no verdict.
    """
    expires_at = signed_in.tokens.access_expires_at
    if expires_at is None or flow.clock() < expires_at - SOON:
        return signed_in
    if not signed_in.tokens.refresh_token:
        return signed_in
    try:
        return await refreshed(flow, signed_in)
    except RefreshFailed as failed:
        # The API refuses the old access token, if it has expired.
        return failed.remaining
    except ProviderUnavailable:
        if flow.clock() >= expires_at:
            raise
        return signed_in


async def _check_id_token(
    flow: HybridFlow, signed_in: SignedIn, answer: TokenResponse, refresh_token: str | None
) -> None:
    try:
        await check_later_id_token(
            Checks(LATER_ID_TOKEN),
            answer,
            signed_in.transaction,
            parse(signed_in.tokens.id_token, max_bytes=MAX_TOKEN_BYTES).claims,
            flow.id_tokens,
            now=flow.clock(),
            may_omit_nonce=True,
        )
    except CheckFailed as failed:
        # The refresh token is used. A second use looks like theft, and the provider would revoke
        # every token of the grant (RFC 9700 §4.14.2).
        if failed.judged:
            raise RefreshFailed(
                f"The check “{failed}” of the new ID token failed. The new tokens were discarded.",
                _with_refresh_token(signed_in, None),
            ) from None
        raise RefreshFailed(
            "The new ID token could not be checked, because the keys of the authorization server "
            "are not available. The access token is unchanged; try again.",
            _with_refresh_token(signed_in, refresh_token),
            judged=False,
        ) from None


def token_name(token: str) -> str:
    """Return what a page calls a token: its `jti`, or its first characters."""
    content = decoded(token)
    return (content.text("jti") if content else "") or abbreviated(token)


def _with_refresh_token(signed_in: SignedIn, refresh_token: str | None) -> SignedIn:
    return replace(signed_in, tokens=replace(signed_in.tokens, refresh_token=refresh_token))
