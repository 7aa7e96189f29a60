"""The user of a BlackSheep request, and the handler that reads its access token."""

from typing import Any, Final, cast

from blacksheep import Request
from guardpost import AuthenticationHandler, User

from asgi_bearer.caller import ANONYMOUS, Principal
from asgi_bearer.errors import AccessTokenError, CredentialsMissing
from asgi_bearer.guard import endpoints
from asgi_bearer.guard.connection import PRINCIPAL_KEY, REALM_KEY
from asgi_bearer.jwt.verifier import Verifier

SCHEME: Final = "Bearer"
"""The name of the authentication scheme, in BlackSheep and in the documentation."""


def principal(request: Request) -> Principal:
    """Return who makes a request.

    Raises:
        RuntimeError: the request is anonymous.
    """
    user = endpoints.principal(scope_of(request))
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

    def __init__(self, verifier: Verifier | None, *, realm: str) -> None:
        self._verifier = verifier
        self._realm = realm

    @property
    def scheme(self) -> str:
        """The name for `authentication_schemes`."""
        return SCHEME

    # BlackSheep awaits it, but its base class is not asynchronous.
    async def authenticate(  # type: ignore[override]  # the base returns Identity
        self, context: Request
    ) -> BearerUser | None:  # pyright: ignore[reportIncompatibleMethodOverride] - the same
        """Return the user; None if the request has no Bearer credentials.

        Raises:
            RuntimeError: no guard has seen the request, and there is no verifier.
        """
        scope = scope_of(context)
        if self._verifier is not None:
            scope[REALM_KEY] = self._realm
            # Another guard may have let the request pass.
            scope[PRINCIPAL_KEY] = ANONYMOUS
            try:
                scope[PRINCIPAL_KEY] = await endpoints.verified(scope, self._verifier)
            except CredentialsMissing:
                return None
            except AccessTokenError as err:
                return BearerUser(None, err)
        elif PRINCIPAL_KEY not in scope:
            raise RuntimeError("use_bearer needs a verifier, or a BearerMiddleware around the app")
        user = endpoints.principal(scope)
        return BearerUser(user, None) if user is not None else None


def scope_of(request: Request) -> dict[str, Any]:
    """Return the ASGI scope of a request or a WebSocket."""
    return cast("dict[str, Any]", request.scope)
