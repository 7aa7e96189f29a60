"""`assert_guarded`: calls each route of an application as a client without rights would."""

import asyncio
import contextvars
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any, Final, Protocol

from asgi_bearer.testing.declared_public import DeclaredPublic
from asgi_bearer.testing.findings import Findings
from asgi_bearer.testing.probes import Probes
from asgi_bearer.testing.reached import watching
from asgi_bearer.testing.report import Report
from asgi_bearer.testing.routes.route import Place, Route
from asgi_bearer.testing.routes.walk import public_paths, routes
from asgi_bearer.testing.trusted import trusted_token

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
            own handler for requests that no route matches.
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
    found = list(routes(app, Place(placeholders)))
    if not found:
        raise ValueError("app has no routes to audit")
    with ExitStack() as stack:
        token = issuer.token(scope=None) if issuer is not None else None
        if token is None:
            token = stack.enter_context(trusted_token())
        audit = _audit(app, found, declared, token, host)
        # A thread of its own, because the caller may already run an event loop in this one.
        pool = stack.enter_context(ThreadPoolExecutor(1))
        return pool.submit(contextvars.copy_context().run, asyncio.run, audit).result()


async def _audit(
    app: Callable[..., Any], found: list[Route], declared: DeclaredPublic, token: str, host: str
) -> Report:
    fallbacks = [route for route in found if route.is_fallback]
    others = [route for route in found if not route.is_fallback]
    findings = Findings(found, declared)
    with watching(body for route in others for body in route.bodies) as watch:
        probes = Probes(app, watch, token, host, findings)
        await probes.try_path("/assert-guarded/no-route")
        # Starlette puts its middleware together when the first request comes.
        findings.public_paths += public_paths(app)
        for route in others:
            await probes.try_route(route)
        for paths in findings.public_paths:
            for path in sorted(paths.paths - {route.example for route in others}):
                await probes.try_path(path)
    for route in fallbacks:
        # Not earlier: the same handler may also answer refused requests.
        with watching(route.bodies) as watch:
            await Probes(app, watch, token, host, findings).try_fallback(route)
    return findings.report()
