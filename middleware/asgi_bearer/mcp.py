"""The access token of a request for servers of the MCP Python SDK and of FastMCP.

Behind `BearerMiddleware`, `AccessTokenMiddleware` makes `get_access_token()` of both work, and each
session belong to the principal that opened it: the SDK keeps the owner with the session and answers
any other caller with 404. A principal is an issuer, a subject and a client together.
"""

import hashlib
from typing import TYPE_CHECKING, Any, cast

from asgi_bearer.caller import Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.errors import ClaimRuleFailed
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import PRINCIPAL_KEY
from asgi_bearer.guard.endpoints import principal, realm, refuse
from asgi_bearer.jose.frozen import thawed

try:
    from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken, principal_components
except ImportError as err:
    raise ImportError("asgi_bearer.mcp needs the MCP Python SDK: pip install 'mcp>=2.3'") from err

# A dependency of the SDK.
from starlette.authentication import AuthCredentials

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["AccessTokenMiddleware", "GuardedTokens"]


class AccessTokenMiddleware:
    """Hands the verified access token to the MCP SDK and to FastMCP.

    `BearerMiddleware` must be around it. The `AccessToken` that tools get has the client, scopes,
    end, subject, claims, and as its resource the audience, if the token names only one. Its `token`
    is a digest, `sha256:` and hexadecimal digits: an MCP server must not pass the token on (MCP
    specification, Token Passthrough), and an `AccessToken` shows the field when it is printed.
    FastMCP's cache of responses tells callers apart by it.

    A token that names neither a subject nor a client is refused with 403, because a session that it
    opened would belong to every such caller.

    Arguments:
        app: the server: `server.streamable_http_app()` or `server.sse_app()` of the SDK,
            `server.http_app()` of FastMCP.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app
        self._app_with_context = AuthContextMiddleware(app)

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Serve a request.

        Raises:
            RuntimeError: there is no `BearerMiddleware` around this one.
        """
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if PRINCIPAL_KEY not in scope:
            raise RuntimeError("AccessTokenMiddleware must be inside a BearerMiddleware")
        user = principal(scope)
        if user is not None:
            token = _access_token(user, scope)
            client_id, _, subject = principal_components(token)
            if not client_id and not subject:
                await _refuse_without_owner(scope, send)
                return
            scope["user"], scope["auth"] = AuthenticatedUser(token), AuthCredentials(token.scopes)
        await self._app_with_context(scope, receive, send)


class GuardedTokens:
    """The `token_verifier` of a server of the SDK that is behind the guard.

    The SDK serves the protected resource metadata (RFC 9728) only for a server that has a
    `token_verifier` of its own. This one returns what the guard has verified and verifies nothing:
    an SDK that verified the token itself would answer 401 if the issuer's keys are not available.
    Without the guard and `AccessTokenMiddleware` around the server every request is refused.
    """

    async def verify_token(self, token: str) -> AccessToken | None:
        """Return the access token of the request, or None if the guard has verified none."""
        verified = get_access_token()
        if verified is None or verified.token != _digest(token.strip().encode()):
            return None
        return verified


def _access_token(user: Principal, scope: "Scope") -> AccessToken:
    claims = cast("dict[str, Any]", thawed(user.claims))
    return AccessToken(
        token=_digest(Presented.in_scope(scope).unchecked_token()),
        # The SDK requires a string. No issuer gives a client an empty identifier.
        client_id=user.client_id or "",
        scopes=sorted(user.scopes),
        expires_at=int(user.expires_at),
        resource=_only(claims.get("aud")),
        subject=user.subject,
        # The SDK takes the issuer of the principal from here.
        claims={**claims, "iss": user.issuer},
    )


def _digest(token: bytes) -> str:
    return f"sha256:{hashlib.sha256(token).hexdigest()}"


def _only(audience: object) -> str | None:
    """Return the audience if there is only one; any of several may be this server."""
    match audience:
        case str(one) | [str(one)]:
            return one
        case _:
            return None


async def _refuse_without_owner(scope: "Scope", send: "Send") -> None:
    refused = ClaimRuleFailed("an MCP session needs an owner: a subject or a client")
    refuse(scope, refused)
    headers, body = challenge.response(refused, realm(scope))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
