"""The middleware of Django: lets a request pass only with a good access token."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, cast

from asgiref.sync import markcoroutinefunction
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.module_loading import import_string

from asgi_bearer.django.configuration import configuration
from asgi_bearer.django.requests import is_async, refused_response, writable
from asgi_bearer.django.users import set_user, set_user_async
from asgi_bearer.django.verification import admitted, admitted_async, leave_anonymous

_AUTHENTICATION: Final = "django.contrib.auth.middleware.AuthenticationMiddleware"


class BearerMiddleware:
    """Sets `request.principal`, and refuses requests without a good access token (RFC 6750).

    The setting `ASGI_BEARER` is a dictionary:

    - `VERIFIER`: verifies access tokens; a `JWTVerifier` or the dotted path to one.
    - `PUBLIC`: requests that need no token: exact paths (`/healthz`), a method and a path
      (`GET /docs`, which covers HEAD), or all paths below one (`/admin/*`). The middleware leaves
      them alone, so that Django's sessions and the CSRF check work there as without it.
    - `OPTIONAL`: True if requests without credentials pass as anonymous ones, whose `principal` is
      None. Then only `requires` refuses them. Bad credentials are still refused.
    - `USER`: returns `request.user` for a `Principal`; a function, a class such as `PrincipalUser`,
      or the dotted path to one. Without it `request.user` stays as it is. In an async application
      a function that is not async runs in a thread. If it returns None or a user that is not
      active, the request is refused with 403.
    - `REALM`: the realm in challenges; printable ASCII.

    Behind a `BearerMiddleware` of `asgi_bearer` both refuse. With the same verifier, no token is
    verified twice.

    The CSRF check is skipped for a request with a good token and without a session cookie: no other
    site can send it. Beside a session cookie it stays, because a view may act for the session.

    Raises:
        ImproperlyConfigured: names every mistake in the settings.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self._get_response = get_response
        self._config = configuration()
        if self._config.user_of is not None:
            _check_order(type(self))
        self._is_async = is_async(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(
        self, request: HttpRequest
    ) -> HttpResponseBase | Coroutine[Any, Any, HttpResponseBase]:
        """Return the response of the view, or the refusal."""
        if self._is_async:
            return self._respond_async(request)
        if self._config.is_public(request):
            leave_anonymous(request, self._config)
            return cast("HttpResponseBase", self._get_response(request))
        refused = admitted(request, self._config) or set_user(request, self._config.user_of)
        if refused is not None:
            return refused_response(request, refused)
        _skip_csrf_check(request)
        return self._marked(request, self._get_response(request))

    async def _respond_async(self, request: HttpRequest) -> HttpResponseBase:
        if self._config.is_public(request):
            leave_anonymous(request, self._config)
            return cast("HttpResponseBase", await self._get_response(request))
        refused = await admitted_async(request, self._config)
        refused = refused or await set_user_async(request, self._config.user_of)
        if refused is not None:
            return refused_response(request, refused)
        _skip_csrf_check(request)
        return self._marked(request, await self._get_response(request))

    def _marked(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Keep caches, also Django's own, from giving one client's response to another."""
        if self._config.optional:
            patch_vary_headers(response, ["Authorization"])
        if writable(request).principal is not None and not response.has_header("Cache-Control"):
            response.headers["Cache-Control"] = "private"
        return response


def _skip_csrf_check(request: HttpRequest) -> None:
    """Mark the CSRF check as done if the token is all that identifies the client.

    A browser adds cookies to the requests of any site, but never a Bearer token. An attacker who
    has a token of his own may send it beside the session cookie of a victim, where the CORS policy
    is too lax. A view that acts for the session would then act for the victim.
    """
    target = writable(request)
    if target.principal is not None and settings.SESSION_COOKIE_NAME not in request.COOKIES:
        target.csrf_processing_done = True


def _check_order(own: type) -> None:
    """Check that Django's middleware does not replace `request.user` again.

    Raises:
        ImproperlyConfigured: it does.
    """
    names: list[str] = list(settings.MIDDLEWARE)
    positions = [position for position, name in enumerate(names) if import_string(name) is own]
    if positions and _AUTHENTICATION in names[positions[0] :]:
        raise ImproperlyConfigured(
            f"ASGI_BEARER: with USER, {own.__name__} must stand below {_AUTHENTICATION} in"
            " MIDDLEWARE, or that would replace request.user"
        )
