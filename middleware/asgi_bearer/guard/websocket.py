"""WebSockets: a token among the subprotocols, and the answer to a handshake that is refused.

A browser cannot set the Authorization header of a WebSocket. It offers the subprotocols `bearer`
and the token instead: `new WebSocket(url, ["bearer", token])`.
"""

import re
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Final

from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMalformed,
    CredentialsRepeated,
)
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import POLICY_VIOLATION, can_deny_with_http

if TYPE_CHECKING:
    from starlette.types import Message, Scope, Send

_HEADER: Final = b"sec-websocket-protocol"

_SUBPROTOCOL: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
"""The grammar of a subprotocol (RFC 6455 §4.1)."""


def is_subprotocol(name: object) -> bool:
    """Return whether `name` can be the name of a subprotocol."""
    return isinstance(name, str) and _SUBPROTOCOL.fullmatch(name) is not None


def take_token(scope: "Scope", subprotocol: str | None) -> "SubprotocolToken | None":
    """Remove the token from the offered subprotocols; return it, or None if there is none.

    Arguments:
        scope: the ASGI scope, which is changed: the application sees neither the token nor
            `subprotocol`.
        subprotocol: the name that stands before the token, or None.
    """
    offered: list[str] = list(scope.get("subprotocols") or ())
    if subprotocol not in offered:
        return None
    tokens: list[str] = []
    others: list[str] = []
    names = iter(offered)
    for name in names:
        if name == subprotocol:
            tokens.append(next(names, ""))
        else:
            others.append(name)
    if len(tokens) > 1 or subprotocol in tokens:
        # Another entry beside two tokens may be a token, too.
        others = []
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != _HEADER]
    if others:
        headers.append((_HEADER, ", ".join(others).encode("latin-1", "replace")))
    scope["subprotocols"], scope["headers"] = others, headers
    return SubprotocolToken(tokens)


class SubprotocolToken:
    """What a client offers as a token among the subprotocols. Its `repr` does not show it."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens

    def in_header(self, scope: "Scope") -> "Scope":
        """Return a copy of `scope` whose Authorization header has the token.

        Raises:
            CredentialsMalformed: there is no token.
            CredentialsRepeated: there is more than one, or an Authorization header (RFC 6750 §2).
        """
        if len(self._tokens) > 1:
            raise CredentialsRepeated("more than one token among the subprotocols")
        if not self._tokens[0]:
            raise CredentialsMalformed("no token among the subprotocols")
        if any(name.lower() == b"authorization" for name, _ in scope["headers"]):
            raise CredentialsRepeated("one token in the Authorization header, one in a subprotocol")
        value = b"Bearer " + self._tokens[0].encode("utf-8", "surrogatepass")
        return {**scope, "headers": [*scope["headers"], (b"authorization", value)]}


class Handshake:
    """The `send` of a WebSocket: sends a refusal as the server can, answers the subprotocol.

    Arguments:
        scope: the ASGI scope.
        send: the server's.
        realm: the realm in challenges.

    Attributes:
        refusals: an endpoint adds its refusal.
        subprotocol: what the response names if the application accepts without a subprotocol.
    """

    def __init__(self, scope: "Scope", send: "Send", realm: str) -> None:
        self._scope = scope
        self._send = send
        self._realm = realm
        self._is_answered = False
        self.refusals: list[AccessTokenError] = []
        self.subprotocol: str | None = None

    def send(self, message: "Message") -> "Awaitable[None]":
        """Send a message of the application; a close after a refusal becomes its response."""
        # Returning the server's awaitable saves a coroutine for each message after the first.
        return self._send(message) if self._is_answered else self._answer(message)

    async def _answer(self, message: "Message") -> None:
        kind = message["type"]
        if kind == "websocket.close" and self.refusals:
            await self.refuse(self.refusals[-1])
            return
        self._is_answered = True
        if self.subprotocol and kind == "websocket.accept" and not message.get("subprotocol"):
            message = {**message, "subprotocol": self.subprotocol}
        await self._send(message)

    async def end(self) -> None:
        """Send the refusal of an endpoint if the application has returned without an answer."""
        if self.refusals and not self._is_answered:
            await self.refuse(self.refusals[-1])

    async def refuse(self, refusal: AccessTokenError) -> None:
        """Send a refusal before accept: an HTTP response, or a close without the extension."""
        self._is_answered = True
        if not can_deny_with_http(self._scope):
            reason = refusal.sentence
            await self._send(
                {"type": "websocket.close", "code": POLICY_VIOLATION, "reason": reason}
            )
            return
        headers, body = challenge.response(refusal, self._realm)
        kind = "websocket.http.response"
        await self._send({"type": f"{kind}.start", "status": refusal.status, "headers": headers})
        await self._send({"type": f"{kind}.body", "body": body})
