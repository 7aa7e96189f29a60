"""Refreshing: new tokens for the refresh token, and what is left of a sign-in where that fails."""

from dataclasses import replace

from asgi_bearer.jose import parse
from demo.web_application.checks.display import abbreviated, decoded
from demo.web_application.checks.id_token import MAX_BYTES
from demo.web_application.checks.responses import check_refreshed_id_token
from demo.web_application.checks.results import CheckFailed
from demo.web_application.flow.hybrid_flow import HybridFlow
from demo.web_application.provider.token_endpoint import TokenRefused
from demo.web_application.session.session import Refreshed, SignedIn, Tokens


class RefreshFailed(Exception):
    """A refresh brought no access token; the message is for the person.

    Arguments:
        left: the sign-in as it has to be kept now.
        judged: False where the answer could not be checked.
    """

    def __init__(self, sentence: str, left: SignedIn, *, judged: bool = True) -> None:
        self.left = left
        self.judged = judged
        super().__init__(sentence)


async def refreshed(flow: HybridFlow, signed_in: SignedIn) -> SignedIn:
    """Return a sign-in with new tokens (RFC 6749 §6).

    Raises:
        RefreshFailed: there is no refresh token, the provider does not take it, or the ID token
            that came along is not to be trusted.
        ProviderUnavailable: the provider gives no verdict; the refresh token may still be good.
    """
    kept = signed_in.tokens
    if kept.refresh_token is None:
        raise RefreshFailed("The refresh was refused: There is no refresh token.", signed_in)
    try:
        answer = await flow.endpoint.refresh(kept.refresh_token)
    except TokenRefused as refused:
        # Any other error is about this application or its request; the token may be good.
        is_dead = refused.error == "invalid_grant"
        left = _with_refresh_token(signed_in, None) if is_dead else signed_in
        sentence = f"{refused.status} {refused.error} {refused.description}".strip()
        raise RefreshFailed(f"The refresh was refused: {sentence}", left) from None
    # An answer that leaves something out says that it stays as it is.
    tokens = Tokens(
        access_token=answer.access_token,
        access_expires_at=answer.ends(flow.clock()),
        scope=kept.scope if answer.scope is None else answer.scope,
        id_token=answer.id_token or kept.id_token,
        refresh_token=answer.refresh_token or kept.refresh_token,
    )
    if answer.id_token is not None:
        await _check_id_token(flow, signed_in, tokens)
    refreshed = Refreshed(
        at=int(flow.clock()),
        before=token_name(kept.access_token),
        after=token_name(answer.access_token),
        rotated=tokens.refresh_token != kept.refresh_token,
    )
    return replace(signed_in, tokens=tokens, refreshed=refreshed)


async def _check_id_token(flow: HybridFlow, signed_in: SignedIn, tokens: Tokens) -> None:
    try:
        await check_refreshed_id_token(
            tokens.id_token,
            tokens.access_token,
            signed_in.transaction,
            parse(signed_in.tokens.id_token, max_bytes=MAX_BYTES).claims,
            flow.id_tokens,
            now=flow.clock(),
        )
    except CheckFailed as failed:
        # The refresh token is used up. Whoever sends it again looks like a thief, and all that
        # came of the sign-in is revoked (RFC 9700 §4.14.2).
        if failed.judged:
            raise RefreshFailed(
                "The new ID token was refused, and the new tokens with it: the check "
                f"“{failed}” failed.",
                _with_refresh_token(signed_in, None),
            ) from None
        raise RefreshFailed(
            "The new ID token could not be checked, because the keys of the authorization server "
            "are not to be had. The access token stays as it was; try again.",
            _with_refresh_token(signed_in, tokens.refresh_token),
            judged=False,
        ) from None


def token_name(token: str) -> str:
    """Return what to call a token on a page: its `jti`, or how it begins."""
    shown = decoded(token)
    return (shown.text("jti") if shown else "") or abbreviated(token)


def _with_refresh_token(signed_in: SignedIn, refresh_token: str | None) -> SignedIn:
    return replace(signed_in, tokens=replace(signed_in.tokens, refresh_token=refresh_token))
