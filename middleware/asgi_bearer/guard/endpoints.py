"""What the endpoints of an application ask the guard: who makes the request, may it pass?

`principal` and `refusal` are public. The modules for frameworks stand on them, and on `admit` for
applications that have no `BearerMiddleware` around them.
"""

from collections.abc import Mapping, MutableMapping
from typing import Any, NamedTuple

from asgi_bearer.caller import ANONYMOUS, Anonymous, Principal
from asgi_bearer.credentials import Presented, has_none
from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMissing,
    InsufficientScope,
    VerificationFaulted,
)
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import (
    PRINCIPAL_KEY,
    REALM_KEY,
    REFUSAL_KEY,
    Realm,
    log_refusal,
)
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.scopes import checked_scopes, missing_scopes_reason


class Refusal(NamedTuple):
    """The response to a request that an endpoint refuses (RFC 6750 §3).

    Attributes:
        status: the HTTP status code.
        headers: the headers, as an ASGI server takes them; the challenge is among them.
        body: the problem body (RFC 9457).
    """

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def principal(scope: Mapping[str, Any]) -> Principal | None:
    """Return who makes a request, or None if it is anonymous.

    A request is anonymous if its path is public, if the guard is optional and the request has no
    credentials, or if no guard has seen it.

    Arguments:
        scope: the ASGI scope.
    """
    user = scope.get(PRINCIPAL_KEY)
    return user if isinstance(user, Principal) else None


def refusal(scope: Mapping[str, Any], *scopes: str, any_of: bool = False) -> Refusal | None:
    """Return the response if the request must be refused, or None if it may pass.

    Anonymous requests are refused. The refusal is logged. If a WebSocket is refused, the
    application only has to return or to close it without accepting it: then the guard sends the
    response, or the close code 1008 if the server cannot send a response.

    Arguments:
        scope: the ASGI scope.
        scopes: what the access token must have; without any, every token passes.
        any_of: one of the scopes is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none to choose from.
        RuntimeError: no guard has seen the request.
    """
    refused = access_refusal(scope, checked_scopes(scopes, any_of=any_of), any_of=any_of)
    if refused is None:
        return None
    return Refusal(refused.status, *challenge.response(refused, realm(scope)))


def access_refusal(
    scope: Mapping[str, Any], needed: tuple[str, ...], *, any_of: bool = False
) -> AccessTokenError | None:
    """Return the reason why an endpoint refuses the request, or None if it may pass.

    Arguments and errors are those of `refusal`.
    """
    # Not scope["user"], which the application may have replaced.
    user = scope.get(PRINCIPAL_KEY)
    if not isinstance(user, (Principal, Anonymous)):
        raise RuntimeError("the endpoint needs a scope, so it must be behind a BearerMiddleware")
    refused: AccessTokenError
    if not isinstance(user, Principal):
        refused = CredentialsMissing("the endpoint needs an access token")
    elif not _is_enough(user.scopes, needed, any_of=any_of):
        refused = InsufficientScope(
            needed, missing_scopes_reason(needed, user.scopes, any_of=any_of)
        )
    else:
        return None
    refuse(scope, refused)
    return refused


def refuse(scope: Mapping[str, Any], refused: AccessTokenError) -> None:
    """Log that an endpoint refuses a request; the guard will refuse it if it is a WebSocket."""
    log_refusal(scope, refused)
    refusals: list[AccessTokenError] | None = scope.get(REFUSAL_KEY)
    if refusals is not None:
        # Only the last one: an application may ask for each message of a WebSocket.
        refusals[:] = [refused]


async def admit(
    scope: MutableMapping[str, Any],
    verifier: Verifier,
    *,
    realm: str = "api",
    optional: bool = False,
) -> AccessTokenError | None:
    """Verify a request as `BearerMiddleware` does, for an application that has none around it.

    The scope gets what the guard leaves in it, except `user` and `auth`.

    Arguments:
        scope: the ASGI scope, or a mapping with its `type`, `method`, `path` and `headers`.
        verifier: verifies the access token.
        realm: the realm in challenges.
        optional: a request without credentials is anonymous.

    Returns:
        The refusal, which is logged; None if the request may pass.
    """
    # If the request is refused, no principal of another verifier may stay beside this realm.
    scope[PRINCIPAL_KEY] = ANONYMOUS
    scope[REALM_KEY] = Realm(realm, verifier)
    try:
        if optional and has_none(scope):
            return None
        scope[PRINCIPAL_KEY] = await verified(scope, verifier)
    except AccessTokenError as err:
        refused = err
    else:
        return None
    refuse(scope, refused)
    return refused


def is_admitted_by(scope: Mapping[str, Any], verifier: Verifier) -> bool:
    """Return whether `verifier` returned the principal of the request, in the guard or in `admit`.

    False if another verifier did: it may accept tokens of other issuers, or for other APIs.
    """
    left = scope.get(REALM_KEY)
    return isinstance(left, Realm) and left.verifier is verifier and principal(scope) is not None


async def verified(scope: MutableMapping[str, Any], verifier: Verifier) -> Principal:
    """Return the principal of a request.

    Raises:
        AccessTokenError: the request is refused. The exception holds no frame with the token.
    """
    try:
        # No local variable holds the credentials, because error reporters log them.
        return checked_principal(await verifier.verify(Presented.in_scope(scope)))
    except Exception as err:
        # A custom verifier may raise anything: an unknown failure refuses the request.
        refused = as_refusal(err)
    raise refused


def checked_principal(user: object) -> Principal:
    """Return what a verifier returned.

    Raises:
        TypeError: it is no `Principal`; a custom verifier may return anything.
    """
    if not isinstance(user, Principal):
        raise TypeError("verify must return a Principal")
    return user


def is_verifier(value: object) -> bool:
    """Return whether `value` is an object with a method `verify`."""
    return not isinstance(value, type) and callable(getattr(value, "verify", None))


def as_refusal(err: Exception) -> AccessTokenError:
    """Return the refusal for what a verifier raised, without its traceback."""
    if isinstance(err, AccessTokenError):
        # The frames in its traceback hold the token.
        return err.with_traceback(None)
    # An unexpected exception refuses the request. Its message may quote the token, so only its type
    # is logged, and it is not chained.
    return VerificationFaulted(f"{type(err).__name__} in the verifier")


def realm(scope: Mapping[str, Any]) -> str:
    """Return the realm that the guard names in its challenges."""
    return str(scope[REALM_KEY])


def _is_enough(granted: frozenset[str], needed: tuple[str, ...], *, any_of: bool) -> bool:
    return not granted.isdisjoint(needed) if any_of else granted.issuperset(needed)
