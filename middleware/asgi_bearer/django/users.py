"""Django's `request.user`: `PrincipalUser`, or the user that the application returns."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from asgiref.sync import async_to_sync, sync_to_async
from django.http import HttpRequest

from asgi_bearer.caller import Principal
from asgi_bearer.django.requests import is_async, scope_of, writable
from asgi_bearer.errors import AccessTokenError, ClaimRuleFailed
from asgi_bearer.guard.endpoints import as_refusal, principal, refuse

USER_KEY: Final = "asgi_bearer.django_user"
"""Key of the scope under which the user of the principal is kept, so that it is looked up once."""

UserOf = Callable[[Principal], object]


class PrincipalUser:
    """A user without a row in the database, for `request.user`. It has no permissions in Django.

    Arguments:
        principal: the principal of the access token.
    """

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    is_superuser = False

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    @property
    def pk(self) -> str:
        """Issuer and subject, as in `Principal.identity`."""
        return self.principal.identity

    id = username = pk

    def get_username(self) -> str:
        """Return issuer and subject."""
        return self.pk

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Return False: scopes are not Django's permissions."""
        return False

    def has_perms(self, perm_list: object, obj: object = None) -> bool:
        """Return False."""
        return False

    def has_module_perms(self, package_name: str) -> bool:
        """Return False."""
        return False

    def __str__(self) -> str:
        return self.pk

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PrincipalUser) and self.pk == other.pk

    def __hash__(self) -> int:
        return hash(self.pk)


def set_user(request: HttpRequest, user_of: UserOf | None) -> AccessTokenError | None:
    """Set `request.user` to the user of the principal; return the refusal if there is none."""
    caller = _caller_without_user(request)
    if user_of is None or caller is None:
        return None
    try:
        user = user_of(caller)
        if inspect.isawaitable(user):
            user = async_to_sync(_result)(user)
    except AccessTokenError as err:
        user = as_refusal(err)
    return _set(request, user)


async def set_user_async(request: HttpRequest, user_of: UserOf | None) -> AccessTokenError | None:
    """Do what `set_user` does; a function that is not async runs in a thread."""
    caller = _caller_without_user(request)
    if user_of is None or caller is None:
        return None
    try:
        if _is_quick(user_of):
            user = user_of(caller)
        else:
            # The thread of Django's synchronous code: the function may use the database.
            user = await sync_to_async(lambda: user_of(caller), thread_sensitive=True)()
        if inspect.isawaitable(user):
            user = await user
    except AccessTokenError as err:
        user = as_refusal(err)
    return _set(request, user)


def _is_quick(user_of: UserOf) -> bool:
    """Return whether a call does not block the event loop."""
    function: object = user_of
    if isinstance(function, type):
        return issubclass(function, PrincipalUser)
    return is_async(function)


async def _result(awaitable: Awaitable[Any]) -> object:
    return await awaitable


def _caller_without_user(request: HttpRequest) -> Principal | None:
    scope = scope_of(request)
    return None if USER_KEY in scope else principal(scope)


def _set(request: HttpRequest, user: object) -> AccessTokenError | None:
    scope = scope_of(request)
    refused: AccessTokenError | None = None
    if isinstance(user, AccessTokenError):
        refused = user
    elif user is None:
        refused = ClaimRuleFailed("USER returned no user for the principal")
    elif getattr(user, "is_active", True) is not True:
        refused = ClaimRuleFailed("the user is not active")
    if refused is not None:
        refuse(scope, refused)
        return refused
    target = writable(request)
    target.user = scope[USER_KEY] = user
    # Django's own returns the user of the session.
    target.auser = _returning(user)
    return None


def _returning(user: object) -> Callable[[], Awaitable[object]]:
    async def auser() -> object:
        return user

    return auser
