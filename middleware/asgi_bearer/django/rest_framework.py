"""Django REST framework: `BearerAuthentication`, and permissions that ask for scopes.

No middleware is needed: `BearerAuthentication` verifies the token itself, with the setting
`ASGI_BEARER`. Behind a middleware with that verifier it takes the principal that has been verified
there.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, ClassVar, cast

if find_spec("rest_framework") is None:
    raise ImportError(
        "asgi_bearer.django.rest_framework needs Django REST framework:"
        " pip install djangorestframework"
    )

from django.http import HttpResponse
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from asgi_bearer.caller import ANONYMOUS, Principal
from asgi_bearer.django.configuration import configuration
from asgi_bearer.django.requests import problem_response, scope_of
from asgi_bearer.django.users import USER_KEY, PrincipalUser, set_user
from asgi_bearer.django.verification import (
    is_verified,
    leave_anonymous,
    presents_token,
    verify,
)
from asgi_bearer.errors import AccessTokenError, CredentialsMissing, NotJudgedError
from asgi_bearer.guard import challenge
from asgi_bearer.guard.connection import PRINCIPAL_KEY
from asgi_bearer.guard.endpoints import access_refusal, principal, realm, refuse
from asgi_bearer.scopes import checked_scopes

if TYPE_CHECKING:
    # It imports the classes that the settings name, and this module with them.
    from rest_framework.views import APIView

__all__ = [
    "BearerAuthentication",
    "GuardedRequest",
    "HasAnyScope",
    "HasReadWriteScopes",
    "HasScopes",
    "Refused",
    "exception_handler",
]


class GuardedRequest(Request):
    """The type of a request with a token, for annotations only.

    Attributes:
        auth: who makes the request.
    """

    if TYPE_CHECKING:

        @property
        def auth(self) -> Principal: ...
        @auth.setter
        def auth(self, value: Any) -> None: ...


class Refused(APIException):
    """A refusal, as an exception of Django REST framework.

    The framework's exception handler answers with the status, the members of a problem (RFC 9457),
    and `WWW-Authenticate` or `Retry-After`; the `exception_handler` below sends the other headers,
    too. It is no `AuthenticationFailed`: for that the first authentication class of the view
    chooses the challenge, and without one the status is 403.

    Attributes:
        refusal: the reason.
        realm: the realm in the challenge.
        auth_header, wait: what the framework's exception handler reads.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        super().__init__(refusal.sentence, refusal.code)
        self.refusal = refusal
        self.realm = realm
        self.status_code = refusal.status
        self.detail: Any = challenge.problem(refusal)
        self.auth_header = challenge.challenge(refusal, realm)
        if isinstance(refusal, NotJudgedError):
            self.wait = int(challenge.headers(refusal, realm)["retry-after"])

    def get_codes(self) -> Any:
        """Return the code of the refusal."""
        return self.refusal.code

    def get_full_details(self) -> Any:
        """Return the sentence and the code of the refusal."""
        return {"message": self.refusal.sentence, "code": self.refusal.code}


def exception_handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Return the response of the guard to a refusal, and the framework's to any other exception.

    For `EXCEPTION_HANDLER` in the setting `REST_FRAMEWORK`. With it, each refusal has the media
    type `application/problem+json`, and the headers that keep caches from storing it and that let
    scripts of other origins read its challenge.
    """
    # The module imports the classes that the settings name.
    from rest_framework import views

    if isinstance(exc, NotAuthenticated) and getattr(exc, "auth_header", None) == _challenge():
        # A permission of the framework asks for credentials, and the first ones are Bearer.
        refusal = CredentialsMissing("the view needs an access token")
        refuse(scope_of(context["request"]._request), refusal)
        exc = Refused(refusal, configuration().realm)
    if not isinstance(exc, Refused):
        return views.exception_handler(exc, context)
    views.set_rollback()
    return problem_response(exc.refusal, exc.realm)


class BearerAuthentication(BaseAuthentication):
    """Authenticates a request by its Bearer token: `request.auth` is the `Principal`.

    `request.user` is what `USER` in the setting returns, or a `PrincipalUser`. A request without
    Bearer credentials is left to the next authentication class; a bad token is refused, whatever
    other credentials the request has.

    Raises:
        Refused: the token is refused: 400, 401, 403, or 503 if there are no keys.
    """

    def authenticate(self, request: Request) -> tuple[Any, Principal] | None:
        """Return user and principal; None without Bearer credentials."""
        config = configuration()
        django_request = request._request
        scope = scope_of(django_request)
        if not is_verified(django_request, config):
            if not presents_token(django_request):
                leave_anonymous(django_request, config)
                return None
            refused = verify(django_request, config, optional=False)
            if refused is not None:
                raise Refused(refused, config.realm)
        refused = set_user(django_request, config.user_of)
        if refused is not None:
            raise Refused(refused, realm(scope))
        # `verify` has refused the request if there is no principal.
        caller = cast("Principal", principal(scope))
        return scope.get(USER_KEY) or PrincipalUser(caller), caller

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge for a request without credentials, whose status is then 401."""
        return _challenge()


def _challenge() -> str:
    return challenge.challenge(CredentialsMissing(), configuration().realm) or ""


class _Scopes(BasePermission):
    """A permission that asks for scopes of the principal in `request.auth`."""

    any_of: ClassVar[bool] = False
    needed: ClassVar[tuple[str, ...]] = ()
    needed_to_write: ClassVar[tuple[str, ...]] = ()

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return whether the token has the scopes.

        Raises:
            Refused: it has not, and the view lists this permission. Within `&`, `|` and `~` the
                answer is False, because another permission may decide.
        """
        # Not the principal of a middleware: `request.user` may be that of a session.
        caller = request.auth if isinstance(request.auth, Principal) else None
        needed = self.needed if request.method in SAFE_METHODS else self.needed_to_write
        if not any(type(permission) is type(self) for permission in view.get_permissions()):
            granted = frozenset[str]() if caller is None else caller.scopes
            has_all = caller is not None and granted.issuperset(needed)
            return not granted.isdisjoint(needed) if self.any_of else has_all
        scope = {**scope_of(request._request), PRINCIPAL_KEY: caller or ANONYMOUS}
        refused = access_refusal(scope, needed, any_of=self.any_of)
        if refused is not None:
            raise Refused(refused, configuration().realm)
        return True


def HasScopes(*scopes: str) -> type[BasePermission]:  # noqa: N802 - permissions are classes
    """Return a permission: the access token must have all `scopes`. Without any, each token passes.

    A request without a token gets 401, a token without the scopes 403; both have the challenge.

    Raises:
        ValueError: a name is not a scope name.
    """
    needed = checked_scopes(scopes)
    return type("HasScopes", (_Scopes,), {"needed": needed, "needed_to_write": needed})


def HasAnyScope(*scopes: str) -> type[BasePermission]:  # noqa: N802 - permissions are classes
    """Return a permission: the access token must have at least one of `scopes`.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """
    needed = checked_scopes(scopes, any_of=True)
    members = {"needed": needed, "needed_to_write": needed, "any_of": True}
    return type("HasAnyScope", (_Scopes,), members)


def HasReadWriteScopes(  # noqa: N802 - permissions are classes
    read: str | Iterable[str], write: str | Iterable[str]
) -> type[BasePermission]:
    """Return a permission: GET, HEAD and OPTIONS need `read`, all other methods need `write`.

    Raises:
        ValueError: a name is not a scope name.
    """
    members = {"needed": checked_scopes(read), "needed_to_write": checked_scopes(write)}
    return type("HasReadWriteScopes", (_Scopes,), members)
