"""Adds authentication and authorization by access tokens to a BlackSheep application."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from blacksheep import Application, Content, Request, Response, WebSocket
from blacksheep.middlewares import MiddlewareCategory

from asgi_bearer.blacksheep.authentication import BearerAuthentication
from asgi_bearer.blacksheep.policies import Refused, ScopePolicies
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import POLICY_VIOLATION
from asgi_bearer.guard.lifespan import close, warm
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.keys.source import Warmable


def use_bearer(
    app: Application, verifier: Verifier | None = None, *, realm: str = "api"
) -> ScopePolicies:
    """Let every handler of an application need an access token; fetch the keys at startup.

    Mounted applications and static files are not protected: BlackSheep answers them without the
    authorization of `app`.

    Arguments:
        app: the application, which has no authorization yet.
        verifier: verifies access tokens, such as a `JWTVerifier`; None if a `BearerMiddleware`
            around the application has verified them.
        realm: the realm in challenges; printable ASCII.

    Returns:
        The policies, to which others can be added.

    Raises:
        ValueError: the realm is not printable ASCII.
        RuntimeError: the application has authorization already, or it has started.
    """
    if app.authorization_strategy is not None:
        raise RuntimeError("use_bearer must come before use_authorization")
    policies = ScopePolicies(realm=challenge.checked_realm(realm))
    app.use_authentication().add(BearerAuthentication(verifier, realm=realm))
    app.use_authorization(policies)

    warmable: object = verifier

    async def start(_app: Application) -> None:
        if isinstance(warmable, Warmable):
            warm(warmable)

    async def stop(_app: Application) -> None:
        if isinstance(warmable, Warmable):
            await close(warmable)

    # Some types of its members are not complete.
    untyped = cast("Any", app)
    untyped.exceptions_handlers.setdefault(Refused, _refused_response)
    untyped.middlewares.append(_close_refused, MiddlewareCategory.AUTH, 1)
    untyped.on_start += start
    untyped.on_stop += stop
    return policies


async def _refused_response(_app: Application, _request: Request, refused: Refused) -> Response:
    fields, body = challenge.response(refused.refusal, refused.realm)
    # BlackSheep itself writes the headers about the content.
    headers = [(name, value) for name, value in fields if not name.startswith(b"content-")]
    return Response(refused.refusal.status, headers, Content(b"application/problem+json", body))


async def _close_refused(
    request: Request, handler: Callable[[Request], Awaitable[Response | None]]
) -> Response | None:
    """Close a WebSocket that a policy refuses, as it is no error of the application."""
    try:
        return await handler(request)
    except Refused as err:
        if not isinstance(request, WebSocket):
            raise
        await request.close(POLICY_VIOLATION, err.refusal.sentence)
        return None
