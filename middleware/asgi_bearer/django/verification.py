"""Verifies requests, from synchronous and asynchronous code of Django."""

from collections.abc import MutableMapping
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpRequest

from asgi_bearer.caller import ANONYMOUS
from asgi_bearer.credentials import Presented
from asgi_bearer.django.configuration import Configuration
from asgi_bearer.django.loop_thread import LoopThread
from asgi_bearer.django.requests import has_scope, scope_of, scope_with_headers, writable
from asgi_bearer.errors import AccessTokenError, CredentialsMissing
from asgi_bearer.guard.connection import PRINCIPAL_KEY, REALM_KEY
from asgi_bearer.guard.endpoints import access_refusal, admit, is_admitted_by, principal

_thread = LoopThread()


def admitted(request: HttpRequest, config: Configuration) -> AccessTokenError | None:
    """Return why the middleware refuses a request, or None.

    A `BearerMiddleware` outside with the same verifier has verified the token already.
    """
    if _is_to_verify(request, config):
        return verify(request, config, optional=config.optional)
    return _refusal_of_anonymous(request, config)


async def admitted_async(request: HttpRequest, config: Configuration) -> AccessTokenError | None:
    """Do what `admitted` does."""
    if _is_to_verify(request, config):
        return await verify_async(request, config, optional=config.optional)
    return _refusal_of_anonymous(request, config)


def verify(
    request: HttpRequest, config: Configuration, *, optional: bool
) -> AccessTokenError | None:
    """Verify the credentials of a request and set its principal; return the refusal or None."""
    scope = scope_with_headers(request)
    if has_scope(request):
        refused = async_to_sync(_admitted)(scope, config, optional)
    else:
        refused = _thread.run(_admitted(scope, config, optional))
    _keep(request, scope)
    return refused


async def verify_async(
    request: HttpRequest, config: Configuration, *, optional: bool
) -> AccessTokenError | None:
    """Do what `verify` does."""
    scope = scope_with_headers(request)
    judging = _admitted(scope, config, optional)
    refused = await (judging if has_scope(request) else _thread.run_async(judging))
    _keep(request, scope)
    return refused


def presents_token(request: HttpRequest) -> bool:
    """Return whether a request has Bearer credentials, good or bad."""
    try:
        Presented.in_scope(scope_with_headers(request))
    except CredentialsMissing:
        return False
    except AccessTokenError:
        # `verify` refuses the request for it.
        return True
    return True


def is_verified(request: HttpRequest, config: Configuration) -> bool:
    """Return whether the verifier of the setting returned the principal of a request.

    A guard outside may have another verifier, for tokens of other issuers or for other APIs.
    """
    return is_admitted_by(scope_of(request), config.verifier)


def leave_anonymous(request: HttpRequest, config: Configuration) -> None:
    """Set the principal of a request that is not verified: that of a guard outside, or None."""
    scope = scope_of(request)
    scope.setdefault(PRINCIPAL_KEY, ANONYMOUS)
    scope.setdefault(REALM_KEY, config.realm)
    writable(request).principal = principal(scope)


async def _admitted(
    scope: MutableMapping[str, Any], config: Configuration, optional: bool
) -> AccessTokenError | None:
    return await admit(scope, config.verifier, realm=config.realm, optional=optional)


def _is_to_verify(request: HttpRequest, config: Configuration) -> bool:
    scope = scope_of(request)
    if PRINCIPAL_KEY not in scope:
        return True
    # What a guard outside lets pass as anonymous stays anonymous.
    return principal(scope) is not None and not is_verified(request, config)


def _refusal_of_anonymous(request: HttpRequest, config: Configuration) -> AccessTokenError | None:
    scope = scope_of(request)
    writable(request).principal = caller = principal(scope)
    return None if caller is not None or config.optional else access_refusal(scope, ())


def _keep(request: HttpRequest, scope: MutableMapping[str, Any]) -> None:
    own = scope_of(request)
    own[REALM_KEY] = scope[REALM_KEY]
    own[PRINCIPAL_KEY] = scope.get(PRINCIPAL_KEY, ANONYMOUS)
    writable(request).principal = principal(own)
