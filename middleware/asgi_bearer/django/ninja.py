"""django-ninja: `auth=BearerAuth("read:items")`, and an API that answers and documents refusals.

No middleware is needed: `BearerAuth` verifies the token itself, with the setting `ASGI_BEARER`.
Behind a middleware with that verifier it takes the principal that has been verified there.
"""

import asyncio
from collections.abc import Coroutine
from importlib.util import find_spec
from typing import Any, Final, cast

if find_spec("ninja") is None:
    raise ImportError("asgi_bearer.django.ninja needs django-ninja: pip install django-ninja")

from django.http import HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError
from ninja.openapi.schema import OpenAPISchema
from ninja.operation import Operation
from ninja.security.base import AuthBase

from asgi_bearer.caller import Principal
from asgi_bearer.django.configuration import Configuration, configuration
from asgi_bearer.django.requests import refused_response, scope_of
from asgi_bearer.django.users import set_user, set_user_async
from asgi_bearer.django.verification import (
    is_verified,
    leave_anonymous,
    presents_token,
    verify,
    verify_async,
)
from asgi_bearer.errors import AccessTokenError, CredentialsMissing
from asgi_bearer.guard import openapi
from asgi_bearer.guard.endpoints import access_refusal, principal
from asgi_bearer.scopes import checked_scopes

__all__ = ["BearerAuth", "BearerNinjaAPI", "Refused"]

_MISSING: Final = "asgi_bearer.credentials_missing"
"""Key of the scope: the request has no Bearer credentials, so another `auth` may accept it."""

_DOCUMENTED: Final = "openapi_security_schema"


class Refused(HttpError):
    """A refusal, as an exception of django-ninja. `BearerNinjaAPI` answers it with the challenge.

    Attributes:
        refusal: the reason.
    """

    def __init__(self, refusal: AccessTokenError) -> None:
        super().__init__(refusal.status, refusal.sentence)
        self.refusal = refusal


class BearerAuth(AuthBase):
    """For `auth=` of an API, a router or an operation: the access token must have all `scopes`.

    `request.auth` and `request.principal` are the `Principal`; `request.user` is what `USER` in the
    setting returns, if there is one. In a list, as in `auth=[BearerAuth("read:items"), other]`, a
    request without Bearer credentials is left to the others; a bad token is refused.

    Arguments:
        scopes: without any, each token passes.
        any_of: one of the scopes is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none to choose from.
        ImproperlyConfigured: the setting `ASGI_BEARER` has mistakes.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __init__(self, *scopes: str, any_of: bool = False) -> None:
        self.needed = checked_scopes(scopes, any_of=any_of)
        self.any_of = any_of
        configuration()
        super().__init__()
        # django-ninja awaits the result in an async operation, and runs no thread for it.
        self.is_async = True

    def __call__(
        self, request: HttpRequest
    ) -> Principal | Coroutine[Any, Any, Principal | None] | None:
        """Return the principal, in an async operation as a coroutine; None without credentials.

        Raises:
            Refused: the token is refused, or does not have the scopes.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return self._authenticate(request)
        return self._authenticate_async(request)

    def _authenticate(self, request: HttpRequest) -> Principal | None:
        config = configuration()
        refused: AccessTokenError | None = None
        if not is_verified(request, config):
            if not presents_token(request):
                _leave_to_others(request, config)
                return None
            refused = verify(request, config, optional=False)
        return self._permitted(request, refused or set_user(request, config.user_of))

    async def _authenticate_async(self, request: HttpRequest) -> Principal | None:
        config = configuration()
        refused: AccessTokenError | None = None
        if not is_verified(request, config):
            if not presents_token(request):
                _leave_to_others(request, config)
                return None
            refused = await verify_async(request, config, optional=False)
        return self._permitted(request, refused or await set_user_async(request, config.user_of))

    def _permitted(
        self, request: HttpRequest, refused: AccessTokenError | None
    ) -> Principal | None:
        scope = scope_of(request)
        refused = refused or access_refusal(scope, self.needed, any_of=self.any_of)
        if refused is not None:
            raise Refused(refused)
        return principal(scope)


class BearerNinjaAPI(NinjaAPI):
    """A `NinjaAPI` that answers refusals with their challenge and problem body (RFC 9457).

    Its OpenAPI document names the scopes of each operation, and the refusals. In a plain `NinjaAPI`
    a `BearerAuth` refuses with the same status, but without the challenge.
    """

    def set_default_exception_handlers(self) -> None:
        """Add the handlers of refusals to those of django-ninja."""
        super().set_default_exception_handlers()
        self.add_exception_handler(Refused, _refused_response)
        self.add_exception_handler(AuthenticationError, self._unauthenticated)

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI document, with scopes and refusals."""
        if path_prefix is None:
            path_prefix = self.get_root_path(path_params or {})
        return _Schema(self, path_prefix)

    def _unauthenticated(
        self, request: HttpRequest, exc: AuthenticationError | type[AuthenticationError]
    ) -> HttpResponse:
        scope = scope_of(request)
        if _MISSING not in scope:
            return self.create_response(request, {"detail": str(exc)}, status=401)
        return refused_response(request, access_refusal(scope, ()) or CredentialsMissing())


class _Schema(OpenAPISchema):
    def operation_security(self, operation: Operation) -> list[dict[str, Any]] | None:
        found = super().operation_security(operation) or []
        documented = [auth for auth in _auths(operation) if hasattr(auth, _DOCUMENTED)]
        described: list[dict[str, Any]] = []
        for requirement, auth in zip(found, documented, strict=True):
            if isinstance(auth, BearerAuth) and auth.any_of:
                described += [{key: [name] for key in requirement} for name in auth.needed]
            elif isinstance(auth, BearerAuth):
                described.append({key: list(auth.needed) for key in requirement})
            else:
                described.append(requirement)
        return described or None

    def responses(self, operation: Operation) -> dict[int, dict[str, Any]]:
        guarded = any(isinstance(auth, BearerAuth) for auth in _auths(operation))
        refusals = {int(status): dict(found) for status, found in openapi.responses().items()}
        return {**super().responses(operation), **(refusals if guarded else {})}


def _auths(operation: Operation) -> list[object]:
    return list(cast("Any", operation).auth_callbacks)


def _refused_response(request: HttpRequest, exc: Refused | type[Refused]) -> HttpResponse:
    return refused_response(request, cast("Refused", exc).refusal)


def _leave_to_others(request: HttpRequest, config: Configuration) -> None:
    leave_anonymous(request, config)
    scope_of(request)[_MISSING] = True
