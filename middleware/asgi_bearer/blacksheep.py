"""BlackSheep: authentication with access tokens, and policies that ask for scopes.

After `use_bearer(app, verifier)` every handler needs a token, `@auth("read:items")` asks for a
scope, and `@allow_anonymous()` lets a handler answer without a token.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any, Final, cast

try:
    from blacksheep import Application, Content, Request, Response, WebSocket
    from blacksheep.middlewares import MiddlewareCategory
    from guardpost import (
        AuthenticationHandler,
        AuthorizationContext,
        AuthorizationStrategy,
        Identity,
        Policy,
        Requirement,
        UnauthorizedError,
        User,
    )
    from guardpost.common import AuthenticatedRequirement
except ImportError as err:
    raise ImportError("asgi_bearer.blacksheep needs BlackSheep: pip install blacksheep") from err

from asgi_bearer.caller import Principal
from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMissing,
    InsufficientScope,
    NotPermittedError,
)
from asgi_bearer.guard import challenge, endpoints
from asgi_bearer.guard.connection import POLICY_VIOLATION, PRINCIPAL_KEY, REALM_KEY
from asgi_bearer.guard.lifespan import warmed
from asgi_bearer.jwt.verifier import Verifier
from asgi_bearer.scopes import checked_scopes, missing_scopes_reason

__all__ = [
    "BearerAuthentication",
    "BearerUser",
    "Refused",
    "ScopePolicies",
    "ScopesRequirement",
    "principal",
    "use_bearer",
]

SCHEME: Final = "Bearer"
"""The name of the authentication scheme, in BlackSheep and in the documentation."""


def use_bearer(app: Application, verifier: Verifier, *, realm: str = "api") -> "ScopePolicies":
    """Let every handler of an application need an access token; fetch the keys at startup.

    If a `BearerMiddleware` is around the application, it verifies the tokens.

    Arguments:
        app: the application, which has no authorization yet.
        verifier: verifies access tokens, such as a `JWTVerifier`.
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

    async def keys(_app: Application) -> AsyncGenerator[None]:
        async with warmed(verifier):
            yield

    # Some types of its members are not complete.
    untyped = cast("Any", app)
    untyped.exceptions_handlers.setdefault(Refused, _refused_response)
    untyped.middlewares.append(_close_refused, MiddlewareCategory.AUTH, 1)
    untyped.lifespan(keys)
    return policies


def principal(request: Request) -> Principal:
    """Return who makes a request.

    Raises:
        RuntimeError: the request is anonymous.
    """
    user = endpoints.principal(_scope(request))
    if user is None:
        raise RuntimeError("the request is anonymous, so it has no principal")
    return user


class BearerUser(User):
    """The user of a request, as BlackSheep knows it: `claims`, `sub`, `is_authenticated()`.

    Attributes:
        principal: who makes the request, or None.
        refusal: why there is no principal.
    """

    def __init__(self, principal: Principal | None, refusal: AccessTokenError | None) -> None:
        claims = cast("dict[str, object]", principal.claims) if principal else {}
        cast("Any", super()).__init__(claims, SCHEME if principal else None)
        self.principal = principal
        self.refusal = refusal


class BearerAuthentication(AuthenticationHandler):
    """Verifies the access token of a request. A refusal takes effect where a policy asks for a
    user, because handlers with `@allow_anonymous()` answer anyway."""

    def __init__(self, verifier: Verifier, *, realm: str) -> None:
        self._verifier = verifier
        self._realm = realm

    @property
    def scheme(self) -> str:
        """The name for `authentication_schemes`."""
        return SCHEME

    # BlackSheep awaits it, but its base class is not asynchronous.
    async def authenticate(  # type: ignore[override]
        self, context: Request
    ) -> BearerUser | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Return the user; None if the request has no Bearer credentials."""
        scope = _scope(context)
        if PRINCIPAL_KEY not in scope:
            scope[REALM_KEY] = self._realm
            try:
                scope[PRINCIPAL_KEY] = await endpoints.verified(scope, self._verifier)
            except CredentialsMissing:
                return None
            except AccessTokenError as err:
                return BearerUser(None, err)
        user = endpoints.principal(scope)
        return BearerUser(user, None) if user is not None else None


class ScopesRequirement(Requirement):
    """The access token must have the scopes; for policies of your own.

    Arguments:
        scopes: the names of the scopes.
        any_of: one of them is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """

    def __init__(self, *scopes: str, any_of: bool = False) -> None:
        self.needed = checked_scopes(scopes)
        self.any_of = any_of
        if not self.needed:
            raise ValueError("ScopesRequirement needs at least one scope")

    async def handle(self, context: AuthorizationContext) -> None:
        """Fulfil the requirement if the user has the scopes."""
        granted = _granted(context.identity)
        if granted >= set(self.needed) or (self.any_of and not granted.isdisjoint(self.needed)):
            context.succeed(self)


class ScopePolicies(AuthorizationStrategy):
    """Policies by the name of a scope, or of several with spaces between them.

    A policy that was added under the same name comes first.
    """

    def __init__(self, *policies: Policy, realm: str) -> None:
        super().__init__(
            Policy("authenticated", AuthenticatedRequirement()),
            *policies,
            default_policy=Policy("default", AuthenticatedRequirement()),
        )
        self._realm = realm

    def get_policy(self, name: str) -> Policy | None:
        """Return a policy that was added, or the one for the scopes in `name`.

        Raises:
            ValueError: `name` is neither.
        """
        policy = super().get_policy(name)
        return Policy(name, ScopesRequirement(*name.split(" "))) if policy is None else policy

    async def authorize(
        self,
        policy_name: str | None,
        identity: Identity,
        scope: Any = None,
        roles: Sequence[str] | None = None,
    ) -> None:
        """Return if the policy is fulfilled.

        Arguments:
            scope: the request.

        Raises:
            Refused: it is not.
        """
        try:
            await super().authorize(policy_name, identity, scope, roles)
            return
        except UnauthorizedError as err:
            refusal = _refusal(identity, err)
        asgi_scope = _scope(scope)
        endpoints.refuse(asgi_scope, refusal)
        raise Refused(refusal, str(asgi_scope.get(REALM_KEY, self._realm)))


class Refused(UnauthorizedError):
    """A policy refuses the request.

    Attributes:
        refusal: the reason.
        realm: the realm in the challenge.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        super().__init__(refusal.sentence, [])
        self.refusal = refusal
        self.realm = realm


def _refusal(identity: Identity | None, err: UnauthorizedError) -> AccessTokenError:
    if isinstance(identity, BearerUser) and identity.refusal is not None:
        return identity.refusal
    if identity is None or not identity.is_authenticated():
        return CredentialsMissing("the handler needs an access token")
    for failed in err.failed_requirements:
        if isinstance(failed, ScopesRequirement):
            reason = missing_scopes_reason(failed.needed, _granted(identity), any_of=failed.any_of)
            return InsufficientScope(failed.needed, reason)
    return NotPermittedError(str(err))


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


def _granted(identity: Identity | None) -> frozenset[str]:
    user = identity.principal if isinstance(identity, BearerUser) else None
    return frozenset() if user is None else user.scopes


def _scope(request: Request) -> dict[str, Any]:
    return cast("dict[str, Any]", request.scope)
