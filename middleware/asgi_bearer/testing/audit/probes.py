"""The requests with which the audit tries a route: methods, tokens, spellings of the path."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from typing import Any, Final

from asgi_bearer.guard.connection import PRINCIPAL_KEY
from asgi_bearer.testing.audit.calls import Answer, Request, answer_of
from asgi_bearer.testing.audit.findings import Findings
from asgi_bearer.testing.audit.reached import Watch
from asgi_bearer.testing.audit.routes.route import Route
from asgi_bearer.testing.audit.verdicts import Outcome, with_token_without_scopes, without_token

WEBSOCKET: Final = "WEBSOCKET"

_OTHER_METHODS: Final = ("HEAD", "OPTIONS", "TRACE", "UNKNOWN")
"""Tried at every path. Only a request that reaches an endpoint counts: frameworks and CORS
middleware answer OPTIONS themselves."""


class Probes:
    """Tries routes, and hands what it sees to `findings`."""

    def __init__(
        self,
        app: Callable[..., Any],
        watch: Watch,
        token: str,
        host: str,
        routes: Collection[Route],
        findings: Findings,
    ) -> None:
        self._app = app
        self._watch = watch
        self._token = token
        self._host = host
        self._findings = findings
        self._fallbacks = {body for route in routes if route.is_fallback for body in route.bodies}
        self._taken: defaultdict[tuple[str | None, str | None], set[str]] = defaultdict(set)
        for route in routes:
            self._taken[route.host, route.example].update(route.methods)
        self._selectable = {id(route.selected) for route in routes if route.selected is not None}
        self._refused_outside: dict[Route, str] = {}
        self._checks_itself: set[Route] = set()
        self._answers: dict[Request, Answer] = {}

    async def try_methods(self, route: Route) -> None:
        """Try a route with all its methods, and with a token if it declares scopes."""
        if route.example is None:
            self._findings.no_placeholder(route)
            return
        refused: list[str] = []
        methods = list(route.methods or (WEBSOCKET,))
        while methods:
            method = methods.pop(0)
            answer = await self._answer(self._request(route, method))
            verdict = without_token(route, answer)
            self._findings.add(route, method, verdict, answer)
            if verdict.outcome is not Outcome.REFUSED:
                continue
            refused.append(method)
            if not _is_refused_inside(answer):
                self._refused_outside.setdefault(route, method)
            elif route.protected:
                # The same check stands before the function, whatever the method is.
                self._checks_itself.add(route)
                for other in methods:
                    self._findings.add(route, other, verdict, answer)
                break
        if route.scopes:
            await self._try_token(route, refused)

    async def try_other_requests(self, route: Route) -> None:
        """Try methods that the route does not take, and other spellings of its path."""
        if route.is_fallback or route.example is None:
            return
        if route.kind == "http" and not (route.is_open_ended or route in self._checks_itself):
            await self._try_other_methods(route)
        if route in self._refused_outside:
            await self._try_spellings(route, self._refused_outside[route])

    async def _try_token(self, route: Route, refused: list[str]) -> None:
        """Try a token without scopes, with the first method that the endpoint takes."""
        for method in refused:
            answer = await self._answer(replace(self._request(route, method), token=self._token))
            verdict = with_token_without_scopes(route, answer)
            self._findings.add_scopes(route, method, verdict, answer)
            if verdict.outcome is not Outcome.NOT_REACHED:
                return

    async def try_path(self, path: str) -> None:
        """Try a public path of a guard that no route has: another route may answer there."""
        for request in (
            Request("http", "GET", path, self._host),
            Request("websocket", WEBSOCKET, path, self._host),
        ):
            answer = await self._answer(request)
            self._findings.add_reached(request.method, path, answer, "at this public path")

    async def try_entry(self, entry: str, route: Route) -> None:
        """Try an entry of `public` at an application whose routes are not known."""
        method = next(iter(route.methods), WEBSOCKET)
        answer = await self._answer(self._request(route, method))
        self._findings.add_entry(entry, route, method, without_token(route, answer), answer)

    async def _try_other_methods(self, route: Route) -> None:
        assumed = self._request(route, "OPTIONS")
        taken = self._taken[route.host, route.example]
        requests = [replace(assumed, method=method) for method in _OTHER_METHODS]
        for request in (*requests, replace(assumed, is_preflight=True)):
            if request.is_preflight or request.method not in taken:
                how = "as a CORS preflight" if request.is_preflight else "with this method"
                answer = await self._answer(request)
                self._findings.add_reached(request.method, route.path, answer, how, route)

    async def _try_spellings(self, route: Route, method: str) -> None:
        request = self._request(route, method)
        for how, path, raw_path in _spellings(request.path):
            answer = await self._answer(replace(request, path=path, raw_path=raw_path))
            self._findings.add_reached(method, route.path, answer, how, route)

    async def _answer(self, request: Request) -> Answer:
        if request not in self._answers:
            answer = await answer_of(self._app, request, self._watch)
            if not self._fallbacks.isdisjoint(answer.reached):
                # The application's handler for unknown paths would have answered.
                answer.is_unknown_path, answer.status, answer.error = True, 404, None
                answer.reached = [body for body in answer.reached if body not in self._fallbacks]
            chosen = answer.scope.get("endpoint") or answer.scope.get("route_handler")
            answer.chosen = chosen if id(chosen) in self._selectable else None
            self._answers[request] = answer
        return self._answers[request]

    def _request(self, route: Route, method: str) -> Request:
        return Request(route.kind, method, route.example or "", route.host or self._host)


def _is_refused_inside(answer: Answer) -> bool:
    """Return whether the endpoint refused the request itself, or what the router calls before it.

    Then the guards outside let the request pass, and no spelling of the path makes a difference.
    """
    return PRINCIPAL_KEY in answer.scope or answer.chosen is not None


def _spellings(path: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield other spellings of a path: what is different, the path, and how it is sent."""
    yield "with another slash at the end", path[:-1] if path.endswith("/") else f"{path}/", None
    yield "with a second slash at the start", f"/{path}", None
    head, slash, tail = path.rstrip("/").rpartition("/")
    yield "with a second slash inside", f"{head}{slash}/{tail}", None
    yield "in capital letters", path.upper(), None
    yield "with a needless percent-escape", path, f"/%{ord(path[1:2] or '/'):02X}{path[2:]}"
    yield "with a dot segment", f"/x/..{path}", None
    yield "with a parameter of the path", f"{path};x=1", None
