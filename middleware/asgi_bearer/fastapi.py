"""Access tokens in FastAPI: `BearerAuth` is a dependency, and `Security` names the scopes.

It verifies the token itself. Behind a `BearerMiddleware` with the same verifier, it takes the
principal that the middleware has verified.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

try:
    from fastapi import FastAPI, Security
    from fastapi.openapi.models import HTTPBearer
    from fastapi.openapi.utils import get_openapi
    from fastapi.security import SecurityScopes
    from fastapi.security.base import SecurityBase
except ImportError as err:
    raise ImportError("asgi_bearer.fastapi needs FastAPI: pip install fastapi") from err
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.types import Lifespan

from asgi_bearer.caller import Principal
from asgi_bearer.errors import InsufficientScope
from asgi_bearer.guard import openapi
from asgi_bearer.guard.challenge import checked_realm
from asgi_bearer.guard.connection import PRINCIPAL_KEY, REALM_KEY
from asgi_bearer.guard.declared import declare
from asgi_bearer.guard.endpoints import (
    access_refusal,
    admit,
    is_admitted_by,
    is_verifier,
    principal,
    refuse,
)
from asgi_bearer.guard.lifespan import warmed
from asgi_bearer.guard.operation_scopes import OperationScopes, scopes_of
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.scopes import checked_scopes, missing_scopes_reason
from asgi_bearer.starlette import Refused, refused, refused_response

__all__ = ["BearerAuth", "OptionalBearerAuth"]

_SCHEME_NAME: Final = re.compile(r"[A-Za-z0-9._-]+")
"""The keys of components in OpenAPI."""


class BearerAuth(SecurityBase):
    """A dependency that returns the `Principal` of a request, or refuses the request.

    `user: Annotated[Principal, Security(auth, scopes=["read:items"])]` needs an access token with
    the scope, for HTTP and WebSockets. The scopes of the dependencies around it count, too.
    `Security(auth)` accepts each valid token.

    Arguments:
        verifier: verifies access tokens, such as a `JWTVerifier`.
        realm: the realm in challenges; printable ASCII.
        scheme_name: the name of the security scheme in OpenAPI. Two `BearerAuth` of one application
            need different names.
        authorization_url: the authorization endpoint of the issuer, for OpenAPI.
        token_url: the token endpoint of the issuer, for OpenAPI. Without both addresses, OpenAPI
            names the OpenID Connect metadata of the issuer, if the verifier discovers its keys.
        scopes: what a client may request at these addresses, each with a description. The default
            is the scopes of all operations; Entra wants the longer `api://…/read`.

    Attributes:
        optional: the same dependency for requests that need no token. It returns None if a request
            has none, and refuses a bad token.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """

    def __init__(
        self,
        verifier: Verifier,
        *,
        realm: str = "api",
        scheme_name: str = "bearer",
        authorization_url: str | None = None,
        token_url: str | None = None,
        scopes: Mapping[str, str] | None = None,
    ) -> None:
        faults: list[str] = []
        if not is_verifier(verifier):
            faults.append("verifier must be an object with a method verify, such as a JWTVerifier")
        try:
            checked_realm(realm)
        except ValueError as err:
            faults.append(str(err))
        if not _SCHEME_NAME.fullmatch(scheme_name):
            faults.append("scheme_name must consist of letters, digits and `._-`")
        if (authorization_url is None) != (token_url is None):
            faults.append("authorization_url and token_url need each other")
        if scopes and token_url is None:
            faults.append("scopes needs authorization_url and token_url")
        if faults:
            raise ValueError("; ".join(faults))
        self._verifier = verifier
        self._realm = realm
        self.model = HTTPBearer(bearerFormat="JWT")
        self.scheme_name = scheme_name
        self.optional = OptionalBearerAuth(self)
        self._operations = OperationScopes({scheme_name, self.optional.scheme_name})
        self._schemes = openapi.Schemes(
            scheme_name,
            self.optional.scheme_name,
            f"{scheme_name}_sign_in",
            openapi.sign_in(verifier, authorization_url, token_url, scopes or {}),
        )

    async def __call__(self, connection: HTTPConnection, scopes: SecurityScopes) -> Principal:
        """Return the principal; FastAPI calls this.

        Raises:
            Refused: the request is refused.
            WebSocketException: a WebSocket is refused whose server cannot answer with HTTP.
        """
        scope = connection.scope
        await self.admit(scope)
        await self.check_scopes(scope, tuple(scopes.scopes))
        user: Principal = scope[PRINCIPAL_KEY]
        return user

    async def admit(self, scope: MutableMapping[str, Any], *, optional: bool = False) -> None:
        """Verify a request, unless the guard outside has done it with the same verifier.

        Raises:
            Refused, WebSocketException: the request is refused.
        """
        # Another verifier may accept tokens of other issuers, or for other APIs.
        if not is_admitted_by(scope, self._verifier):
            refusal = await admit(scope, self._verifier, realm=self._realm, optional=optional)
            if refusal is not None:
                raise refused(scope, refusal)

    async def check_scopes(self, scope: MutableMapping[str, Any], scopes: tuple[str, ...]) -> None:
        """Refuse a request whose token lacks a scope, and name all scopes of the operation.

        Raises:
            Refused, WebSocketException: the request is refused.
        """
        user = principal(scope)
        if user is not None and not user.scopes.issuperset(scopes):
            scopes = await self._scopes_of_operation(scope, scopes)
        refusal = access_refusal(scope, scopes)
        if refusal is not None:
            raise refused(scope, refusal)

    def any_of(self, *scopes: str) -> Callable[..., Awaitable[Principal]]:
        """Return a dependency that needs one of `scopes`; use it in `Depends` or `Security`.

        Raises:
            ValueError: a name is not a scope name, or there is none.
        """
        needed = checked_scopes(scopes, any_of=True)

        async def any_of(
            connection: HTTPConnection, user: Annotated[Principal, Security(self)]
        ) -> Principal:
            if user.scopes.isdisjoint(needed):
                also = await self._scopes_of_operation(connection.scope, ())
                reason = missing_scopes_reason(needed, user.scopes, any_of=True, also=also)
                refusal = InsufficientScope(tuple(dict.fromkeys((*also, *needed))), reason)
                refuse(connection.scope, refusal)
                # If a test has overridden this dependency, no verifier has left a realm.
                connection.scope.setdefault(REALM_KEY, self._realm)
                raise refused(connection.scope, refusal)
            return user

        declare(any_of, any_of, needed)
        return any_of

    def add_to(self, app: FastAPI) -> None:
        """Let `app` send the problem bodies of refusals, describe them in OpenAPI, and fetch keys.

        Without this call, requests are refused all the same, with a shorter body; the first
        request fetches the keys, and OpenAPI shows the scheme and the scopes only. Call it for a
        mounted application, too, if it has protected routes.

        Raises:
            RuntimeError: the application has already started.
        """
        if app.middleware_stack is not None:
            raise RuntimeError("call add_to before the application starts")
        app.exception_handlers.setdefault(Refused, refused_response)
        document = app.openapi

        def described() -> dict[str, Any]:
            openapi.describe(made := document(), self._schemes)
            return made

        # FastAPI documents this way to extend the document.
        app.openapi = described  # type: ignore[method-assign]  # see above
        app.router.lifespan_context = _warmed(app, self._verifier)

    async def _scopes_of_operation(
        self, scope: Mapping[str, Any], checked: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Return all scopes that the operation needs, or `checked` if OpenAPI does not list it."""
        app = scope.get("app")
        if scope["type"] != "http" or not isinstance(app, FastAPI):
            return checked
        found = self._operations.known(app)
        if found is None:
            found = await run_in_threadpool(self._operations.read, app, lambda: _document(app))
        return scopes_of(found, scope, checked)


class OptionalBearerAuth(SecurityBase):
    """A dependency that returns the `Principal`, or None if a request has no credentials.

    `BearerAuth.optional` is one. With scopes in `Security`, a request needs a token after all.

    Arguments:
        auth: verifies the tokens.
    """

    def __init__(self, auth: BearerAuth) -> None:
        self._auth = auth
        self.model = auth.model
        self.scheme_name = f"{auth.scheme_name}_optional"

    async def __call__(
        self, connection: HTTPConnection, scopes: SecurityScopes
    ) -> Principal | None:
        """Return the principal or None; FastAPI calls this.

        Raises:
            Refused, WebSocketException: as for `BearerAuth`.
        """
        scope = connection.scope
        await self._auth.admit(scope, optional=True)
        if scopes.scopes:
            await self._auth.check_scopes(scope, tuple(scopes.scopes))
        return principal(scope)


def _document(app: FastAPI) -> dict[str, Any]:
    # Not app.openapi(): it would keep a document that lacks the routes that are added later, and
    # that another thread may be describing.
    return get_openapi(title=app.title, version=app.version, routes=app.routes)


def _warmed(app: FastAPI, verifier: Verifier) -> Lifespan[Any]:
    """Return the lifespan of `app`, with the keys fetched at its start."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def both(started: Any) -> AsyncGenerator[Any]:
        async with warmed(verifier), lifespan(started) as state:
            yield state

    return both
