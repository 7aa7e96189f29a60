"""Verifies requests, from synchronous and asynchronous code of Django.

Keys are fetched in an event loop, and a key source belongs to one. Over ASGI that is the server's,
also for code in a thread. WSGI has none: there one thread of the process runs an event loop, in
which the requests of all threads share keys and fetches. `async_to_sync` would make a new event
loop for each request: then each request would fetch, and no fetch in the background would end.
"""

import asyncio
import os
import threading
from collections.abc import Coroutine, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import async_to_sync
from django.http import HttpRequest

from asgi_bearer.caller import ANONYMOUS
from asgi_bearer.credentials import Presented
from asgi_bearer.django.configuration import Configuration
from asgi_bearer.django.requests import has_scope, scope_of, scope_with_headers, writable
from asgi_bearer.errors import AccessTokenError, CredentialsMissing
from asgi_bearer.guard.connection import PRINCIPAL_KEY, REALM_KEY
from asgi_bearer.guard.endpoints import admit, is_admitted_by, principal

_T = TypeVar("_T")


def admitted(request: HttpRequest, config: Configuration) -> AccessTokenError | None:
    """Return why the middleware refuses a request, or None.

    A principal of `config.verifier` is not verified again. A `BearerMiddleware` outside may have
    another verifier, which accepts tokens of other issuers or for other APIs.
    """
    if not is_admitted(request, config):
        return verify(request, config, optional=config.optional)
    return None


async def admitted_async(request: HttpRequest, config: Configuration) -> AccessTokenError | None:
    """Do what `admitted` does."""
    if not is_admitted(request, config):
        return await verify_async(request, config, optional=config.optional)
    return None


def is_admitted(request: HttpRequest, config: Configuration) -> bool:
    """Return whether `config.verifier` has verified a request; then set its principal."""
    scope = scope_of(request)
    if not is_admitted_by(scope, config.verifier):
        return False
    writable(request).principal = principal(scope)
    return True


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


def leave_anonymous(request: HttpRequest, config: Configuration) -> None:
    """Set the principal of a request that is not verified: None, unless a guard outside has
    verified it with the same verifier."""
    if is_admitted(request, config):
        return
    scope = scope_of(request)
    scope[PRINCIPAL_KEY] = ANONYMOUS
    scope[REALM_KEY] = config.realm
    writable(request).principal = None


async def _admitted(
    scope: MutableMapping[str, Any], config: Configuration, optional: bool
) -> AccessTokenError | None:
    return await admit(scope, config.verifier, realm=config.realm, optional=optional)


def _keep(request: HttpRequest, scope: MutableMapping[str, Any]) -> None:
    own = scope_of(request)
    own[REALM_KEY] = scope[REALM_KEY]
    own[PRINCIPAL_KEY] = scope.get(PRINCIPAL_KEY, ANONYMOUS)
    writable(request).principal = principal(own)


class LoopThread:
    """One thread with an event loop, started when it is first needed, in each process that needs
    it: a thread does not survive a fork."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._has_hook = False

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the thread, and wait for its result."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        try:
            return future.result()
        finally:
            # If the waiting thread is interrupted (a server that stops), so is the coroutine.
            future.cancel()

    async def run_async(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine in the thread, from another event loop."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())
        return await asyncio.wrap_future(future)

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(
                    target=_run, args=(self._loop,), name="asgi_bearer", daemon=True
                ).start()
                if not self._has_hook:
                    self._has_hook = True
                    os.register_at_fork(after_in_child=self._forget)
            return self._loop

    def _forget(self) -> None:
        # Another thread may have held the lock during the fork.
        self._lock = threading.Lock()
        self._loop = None


def _run(loop: asyncio.AbstractEventLoop) -> None:
    while True:
        # An exit in a verifier ends its request. In a loop that ended, all others would wait.
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()


_thread = LoopThread()
