"""Scopes as guards of Litestar, and the refusal that they raise."""

import json
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, WebSocket
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler

from asgi_bearer.caller import Principal
from asgi_bearer.errors import AccessTokenError
from asgi_bearer.guard import challenge
from asgi_bearer.guard.endpoints import access_refusal, realm
from asgi_bearer.scopes import checked_scopes

BearerRequest = Request[Principal, Principal, State]
"""A request whose `user` and `auth` are a `Principal`."""

BearerWebSocket = WebSocket[Principal, Principal, State]
"""A WebSocket whose `user` and `auth` are a `Principal`."""


class Refused(HTTPException):
    """A guard refuses the request; the exception holds the status and the headers.

    Litestar sends both by itself; with `BearerPlugin` it sends the problem body, too. A WebSocket
    is answered by the `BearerMiddleware` around it.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        self.refusal = refusal
        super().__init__(
            detail=refusal.sentence,
            status_code=refusal.status,
            headers=challenge.headers(refusal, realm),
        )


def refused_response(_request: Request[Any, Any, Any], exc: Refused) -> Response[bytes]:
    """Return the problem response (RFC 9457) for a `Refused`; `BearerPlugin` registers it."""
    return Response(
        json.dumps(challenge.problem(exc.refusal)).encode("ascii"),
        status_code=exc.status_code,
        headers=exc.headers,
        media_type="application/problem+json",
    )


@dataclass(frozen=True, slots=True)
class ScopesGuard:
    """A guard of Litestar that asks for scopes; `scopes` makes it.

    Attributes:
        needed: the names of the scopes.
        any_of: one of them is enough.
    """

    needed: tuple[str, ...]
    any_of: bool

    async def __call__(
        self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler
    ) -> None:
        """Refuse the request if its access token lacks a scope.

        Raises:
            Refused: the request is anonymous, or lacks a scope.
            RuntimeError: no guard has seen the request.
        """
        refusal = access_refusal(connection.scope, self.needed, any_of=self.any_of)
        if refusal is not None:
            raise Refused(refusal, realm(connection.scope))


def scopes(*names: str, any_of: bool = False) -> ScopesGuard:
    """Return a guard of Litestar: the access token must have all the scopes.

    Without names, every token passes, and anonymous requests do not.

    Arguments:
        any_of: one of the scopes is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none to choose from.
    """
    return ScopesGuard(checked_scopes(names, any_of=any_of), any_of)
