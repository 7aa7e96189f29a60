"""`assert_guarded`: calls each route of an application as a client without rights would."""

import asyncio
import contextvars
import gc
import logging
import warnings
from collections.abc import Callable, Collection, Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from types import MappingProxyType
from typing import Any, Final, Protocol

from asgi_bearer.testing.audit.declared_public import DeclaredPublic
from asgi_bearer.testing.audit.findings import Findings
from asgi_bearer.testing.audit.guards import noted_public_paths, trusted_token
from asgi_bearer.testing.audit.probes import Probes
from asgi_bearer.testing.audit.reached import watching
from asgi_bearer.testing.audit.report import Report
from asgi_bearer.testing.audit.routes import unread
from asgi_bearer.testing.audit.routes.route import Place, Route
from asgi_bearer.testing.audit.routes.walk import all_routes

_NO_PLACEHOLDERS: Final[Mapping[str, str]] = MappingProxyType({})


class TokenIssuer(Protocol):
    """Issues access tokens that the application's verifier accepts, such as a `FakeIssuer`."""

    def token(self, *, scope: None) -> str:
        """Return a valid access token without scopes."""
        ...


def assert_guarded(
    app: Callable[..., Any],
    *,
    public: Collection[str] = (),
    issuer: TokenIssuer | None = None,
    placeholders: Mapping[str, str] = _NO_PLACEHOLDERS,
    host: str = "testserver",
) -> Report:
    """Fail if a route of the application is open by mistake, and name each one.

    Each route of Starlette, FastAPI, Litestar, Quart, Django and Channels is called in process with
    each of its methods, below all mounts and hosts and through all middleware: without a token
    it must answer 401 with a Bearer challenge. If the route declares scopes, a token without scopes
    must get 403 that names one of them. HEAD, OPTIONS, CORS preflights, TRACE, an unknown method,
    and other spellings of the path must not reach an endpoint either. The lifespan is not started.

    An endpoint that a request reaches does not run: its function is replaced meanwhile. Middleware,
    dependencies and decorators do run. So does an endpoint whose function the audit cannot find
    (a callable object, a decorator without `functools.wraps`, a mounted ASGI application); it is
    called with placeholders as parameters.

    Arguments:
        app: the whole application, as the server gets it.
        public: the routes that are open on purpose: a path as the framework writes it
            (`/items/{id}`), all paths below another (`/static/*`), or a method and a path
            (`GET /docs`, which covers HEAD; `WEBSOCKET /news`). `/<no route>` is the application's
            own handler for requests that no route matches. If the audit does not know the
            framework, it tries the path of each entry, which must be open.
        issuer: issues a token without scopes that the application's verifier accepts. By default,
            each `JWTVerifier` accepts a random token of the audit meanwhile; another verifier needs
            an issuer.
        placeholders: values of path parameters, by name, where none of the usual ones matches.
        host: the Host header, for an application that refuses unknown hosts.

    Returns:
        The report: what is public, guarded, or does not answer, with reasons.

    Raises:
        AssertionError: names every hole: methods, path, endpoint, why, and what to change.
        ValueError: `public` is malformed, or the application has no routes.
    """
    report = audited(app, public=public, issuer=issuer, placeholders=placeholders, host=host)
    if report.holes:
        raise AssertionError(str(report))
    return report


def audited(
    app: Callable[..., Any],
    *,
    public: Collection[str] = (),
    issuer: TokenIssuer | None = None,
    placeholders: Mapping[str, str] = _NO_PLACEHOLDERS,
    host: str = "testserver",
) -> Report:
    """Return the report that `assert_guarded` fails with; the arguments are the same."""
    declared = DeclaredPublic(public)
    found = all_routes(app, Place(placeholders))
    if not found:
        raise ValueError("app has no routes to audit")
    with ExitStack() as stack:
        token = issuer.token(scope=None) if issuer is not None else None
        if token is None:
            token = stack.enter_context(trusted_token())
        audit = _audit(app, found, declared, token, host)
        # A thread of its own, because the caller may already run an event loop in this one.
        pool = stack.enter_context(ThreadPoolExecutor(1))
        stack.enter_context(_silence())
        return pool.submit(contextvars.copy_context().run, asyncio.run, audit).result()


@contextmanager
def _silence() -> Generator[None]:
    """Log nothing meanwhile: each refused request would be a line, each error a traceback.

    Django does not close the body of a request that `Reached` ends, and Python warns of that.
    """
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            yield
            gc.collect()
    finally:
        logging.disable(before)


async def _audit(
    app: Callable[..., Any], found: list[Route], declared: DeclaredPublic, token: str, host: str
) -> Report:
    with noted_public_paths() as public_paths, ExitStack() as stack:
        findings = Findings(found, declared, public_paths.values())
        bodies = (body for route in found for body in route.bodies)
        watch = stack.enter_context(watching(bodies))
        probes = Probes(app, watch, token, host, found, findings)
        for route in found:
            await probes.try_methods(route)
        for route in found:
            await probes.try_other_requests(route)
        for entry in declared.without_route():
            method, path = declared.method_and_path(entry)
            below = (unread.at(route, method, path) for route in found if route.is_unread)
            if (own := next(filter(None, below), None)) is not None:
                await probes.try_entry(entry, own)
        examples = {route.example for route in found}
        for paths in list(public_paths.values()):
            for path in sorted(paths.paths - examples):
                await probes.try_path(path)
        return findings.report()
