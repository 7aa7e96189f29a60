"""Whether somebody has to sign in for a request; no I/O."""

from collections.abc import Iterable

from demo.authorization_server.authorize.refusals import Refusal, RequestRefused
from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.keys.signing_key import RetiredKey, SigningKey
from demo.authorization_server.state.sessions import Session
from demo.authorization_server.token.id_token_hint import HintOutdated, HintUnusable, hint

SIGN_IN_COUNTS_FOR = 600
"""Seconds in which a request that wants a new sign-in has to be answered after it."""


NOBODY_KNOWN = ""
"""The user of an `id_token_hint` that is outdated: whoever it was has to sign in again."""


def hinted_user(
    asked: AuthorizationRequest, issuer: str, keys: Iterable[SigningKey | RetiredKey]
) -> str | None:
    """Return the user whom the request's `id_token_hint` names; None where it has none.

    Raises RequestRefused for one that is not an ID token of this server's for the client.
    """
    token = asked.given.get("id_token_hint")
    if token is None:
        return None
    try:
        said = hint(token, issuer=issuer, keys=keys)
    except HintOutdated:
        return NOBODY_KNOWN
    except HintUnusable:
        said = None
    if said is None or said.client_id != asked.client.client_id:
        sentence = "id_token_hint is not an ID token that this server gave to the client."
        raise RequestRefused(asked.destination, Refusal("invalid_request", sentence))
    return said.username


def was_for(asked: AuthorizationRequest, session: Session, now: float) -> bool:
    """Return whether the person signed in for this very request, and just now.

    Without it a request that always wants a new sign-in would never be answered.
    """
    return session.signed_in_for == asked.digest and now - session.auth_time <= SIGN_IN_COUNTS_FOR


def sign_in_needed(
    asked: AuthorizationRequest, session: Session, hinted: str | None, now: float
) -> bool:
    """Return whether this sign-in does not do (OpenID Connect Core §3.1.2.1, §3.1.2.3).

    Arguments:
        hinted: the user whom the client's `id_token_hint` names, or `NOBODY_KNOWN`.
        now: seconds since the epoch.
    """
    if was_for(asked, session, now):
        return False
    if asked.prompts & {"login", "select_account"}:
        return True
    if hinted not in {None, session.username}:
        return True
    # max_age=0 is prompt=login in other words, also within the second of the sign-in.
    return asked.max_age == 0 or (
        asked.max_age is not None and now - session.auth_time > asked.max_age
    )
