"""Scopes per view: `requires` and `requires_any`, for functions, methods and class views."""

import functools
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar, cast, overload

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import View

from asgi_bearer.django.requests import (
    GuardedRequest,
    is_async,
    refused_response,
    scope_of,
)
from asgi_bearer.guard.endpoints import access_refusal
from asgi_bearer.scopes import checked_scopes

_P = ParamSpec("_P")
_View = TypeVar("_View", bound=View)


def requires(*scopes: str) -> "Requirement":
    """Protect a view: the access token must have all `scopes`. Without any, each token passes.

    The view is a function, async or not, or a class. For a method, write
    `method_decorator(requires(...))`.

    Raises:
        ValueError: a name is not a scope name.
    """
    return Requirement(checked_scopes(scopes), any_of=False)


def requires_any(*scopes: str) -> "Requirement":
    """Protect a view: the access token must have at least one of `scopes`.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """
    return Requirement(checked_scopes(scopes, any_of=True), any_of=True)


class Requirement:
    """The decorator that `requires` and `requires_any` return.

    Arguments:
        needed: the names of the scopes.
        any_of: one of them is enough.
    """

    def __init__(self, needed: tuple[str, ...], *, any_of: bool) -> None:
        self.needed = needed
        self.any_of = any_of

    @overload
    def __call__(self, view: type[_View]) -> type[_View]: ...
    @overload
    def __call__(
        self, view: Callable[Concatenate[GuardedRequest, _P], Coroutine[Any, Any, HttpResponseBase]]
    ) -> Callable[Concatenate[HttpRequest, _P], Coroutine[Any, Any, HttpResponseBase]]: ...
    @overload
    def __call__(
        self, view: Callable[Concatenate[GuardedRequest, _P], HttpResponseBase]
    ) -> Callable[Concatenate[HttpRequest, _P], HttpResponseBase]: ...
    def __call__(self, view: Callable[..., Any]) -> Callable[..., Any]:
        """Return the protected view.

        Raises:
            TypeError: the class is no view, or has no `as_view`.
        """
        if isinstance(view, type):
            return self._protected_class(view)
        return self._protected_function(view)

    def _refused(self, request: HttpRequest) -> HttpResponse | None:
        refused = access_refusal(scope_of(request), self.needed, any_of=self.any_of)
        return None if refused is None else refused_response(request, refused)

    def _protected_function(self, view: Callable[..., Any]) -> Callable[..., Any]:
        if _is_async(view):

            @functools.wraps(view)
            async def protected_async(request: HttpRequest, *args: Any, **kwargs: Any) -> object:
                return self._refused(request) or await view(request, *args, **kwargs)

            return protected_async

        @functools.wraps(view)
        def protected(request: HttpRequest, *args: Any, **kwargs: Any) -> object:
            return self._refused(request) or view(request, *args, **kwargs)

        return protected

    def _protected_class(self, view: type[Any]) -> type[Any]:
        """Protect what `as_view` returns: so a subclass that overrides `dispatch` is protected."""
        as_view = getattr(view, "as_view", None)
        if as_view is None:
            raise TypeError(f"{view!r} must be a class view, with a method as_view")
        inherited = cast("Callable[..., Any]", as_view.__func__)

        def protected_as_view(cls: type[Any], /, **initkwargs: Any) -> Callable[..., Any]:
            return self._protected_function(inherited(cls, **initkwargs))

        view.as_view = classmethod(functools.update_wrapper(protected_as_view, inherited))
        return view


def _is_async(view: object) -> bool:
    """Return whether a view, or the class of a method that `method_decorator` binds, is async."""
    if is_async(view):
        return True
    method = getattr(view, "func", view)
    return bool(getattr(getattr(method, "__self__", None), "view_is_async", False))
