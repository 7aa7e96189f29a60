"""The rules for when a person has to sign in; no I/O."""

from collections.abc import Iterable

from demo.authorization_server.authorize.refusals import Refusal, RequestRefused
from demo.authorization_server.authorize.request import AuthorizationRequest
from demo.authorization_server.keys.signing_keys import RetiredKey, SigningKey
from demo.authorization_server.state.sessions import Session
from demo.authorization_server.token.id_token_hint import (
    HintOutdated,
    HintUnusable,
    read_id_token_hint,
)

FRESH_SIGN_IN_SECONDS = 600
"""For so long a sign-in counts as new for the request that asked for a new sign-in."""

UNKNOWN_USER = ""
"""The user of an outdated `id_token_hint`: it proves nothing, so the person signs in again."""


def hinted_user(
    request: AuthorizationRequest, issuer: str, keys: Iterable[SigningKey | RetiredKey]
) -> str | None:
    """Return the user in the request's `id_token_hint`; None if there is no hint.

    Raises RequestRefused if the hint is not an ID token that this server issued to this client.
    """
    token = request.parameters.get("id_token_hint")
    if token is None:
        return None
    try:
        hint = read_id_token_hint(token, issuer=issuer, keys=keys)
    except HintOutdated:
        return UNKNOWN_USER
    except HintUnusable:
        hint = None
    if hint is None or hint.client_id != request.client.client_id:
        sentence = "id_token_hint is not an ID token that this server issued to this client."
        raise RequestRefused(request.destination, Refusal("invalid_request", sentence))
    return hint.username


def is_fresh_sign_in(request: AuthorizationRequest, session: Session, now: float) -> bool:
    """Return whether the person signed in for this very request, a short time ago.

    Without this rule, a request that always wants a new sign-in would never be answered.
    """
    return (
        session.signed_in_for == request.digest and now - session.auth_time <= FRESH_SIGN_IN_SECONDS
    )


def sign_in_needed(
    request: AuthorizationRequest, session: Session, hinted: str | None, now: float
) -> bool:
    """Return whether the person has to sign in again (OpenID Connect Core §3.1.2.1, §3.1.2.3).

    Arguments:
        hinted: the user in the client's `id_token_hint`, or `UNKNOWN_USER`.
        now: seconds since the epoch.
    """
    if is_fresh_sign_in(request, session, now):
        return False
    if request.prompts & {"login", "select_account"}:
        return True
    if hinted not in {None, session.username}:
        return True
    # max_age=0 means the same as prompt=login, also within the second of the sign-in.
    return request.max_age == 0 or (
        request.max_age is not None and now - session.auth_time > request.max_age
    )
