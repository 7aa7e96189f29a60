"""Sorts what the audit sees into holes, public, guarded and unreached routes."""

from collections.abc import Collection
from dataclasses import dataclass, field
from types import FunctionType
from typing import Final

from asgi_bearer.guard.connection import PRINCIPAL_KEY
from asgi_bearer.guard.public_paths import PublicPaths
from asgi_bearer.testing.audit.calls import Answer
from asgi_bearer.testing.audit.declared_public import DeclaredPublic
from asgi_bearer.testing.audit.report import Checked, Hole, Report
from asgi_bearer.testing.audit.routes.endpoint import name_of
from asgi_bearer.testing.audit.routes.route import Route
from asgi_bearer.testing.audit.verdicts import Outcome, Verdict

_DECLARE: Final = "if it is open on purpose, name it in `public` of assert_guarded"
_BELOW: Final = (
    "the function was decorated, but the route calls the undecorated one: write `@requires` below "
    "the route's decorator, next to the function"
)


@dataclass(slots=True)
class _Open:
    """Requests that got through at a route's path, and the functions that they reached."""

    path: str
    endpoint: object
    why: str
    change: str
    methods: list[str] = field(default_factory=list[str])
    reached: set[FunctionType] = field(default_factory=set[FunctionType])
    is_own: bool = True


class Findings:
    """Collects the verdicts about all routes.

    Arguments:
        routes: all routes, to find the one whose function a request reached.
        declared: what the caller declared to be public.
        public_paths: those of all guards that have seen a request so far.
    """

    def __init__(
        self,
        routes: Collection[Route],
        declared: DeclaredPublic,
        public_paths: Collection[PublicPaths],
    ) -> None:
        self._public_paths = public_paths
        self._declared = declared
        self._paths: dict[FunctionType, set[str]] = {}
        self._open: list[_Open] = []
        self._holes: list[Hole] = []
        self._not_open: dict[str, str] = {}
        self._unread = tuple(dict.fromkeys(route.path for route in routes if route.is_unread))
        self._checked: dict[Outcome, dict[tuple[str, str, str], list[str]]] = {
            outcome: {} for outcome in Outcome
        }
        # The audit replaces the functions' code, and with it their line numbers.
        self._names: dict[int, str] = {}
        for route in routes:
            self._names[id(route.endpoint)] = name_of(route.endpoint)
            for body in route.bodies:
                self._names[id(body)] = name_of(body)
                self._paths.setdefault(body, set()).add(route.path)

    def add(self, route: Route, method: str, verdict: Verdict, answer: Answer) -> None:
        """Add what became of a request without a token, with a method that the route takes."""
        is_public = self._declared.covers(method, route.path)
        if verdict.outcome is Outcome.OPEN and not is_public:
            self._note_open(method, route.path, route, answer, verdict.why)
        else:
            self._note(verdict.outcome, method, route, verdict.why)

    def add_entry(
        self, entry: str, route: Route, method: str, verdict: Verdict, answer: Answer
    ) -> None:
        """Add what became of a request at the path of an entry of `public`, which must be open."""
        is_missing = answer.status == 404 and not route.path.endswith("/*")
        if verdict.outcome is Outcome.REFUSED or is_missing:
            self._not_open[entry] = f"{method} {route.path} answered {answer.status}"
        else:
            self.add(route, method, verdict, answer)

    def add_scopes(self, route: Route, method: str, verdict: Verdict, answer: Answer) -> None:
        """Add what became of a token without scopes at a route that declares scopes."""
        if verdict.outcome is not Outcome.OPEN:
            return
        change = "let the endpoint check the scope that it declares"
        if route.bypassed is not None:
            change = _BELOW
        elif answer.status == 401:
            change = "pass an `issuer` to assert_guarded whose tokens the application accepts"
        elif answer.status == 403:
            change = "let the 403 keep the header WWW-Authenticate (RFC 6750 §3.1)"
        self._note_open(method, route.path, route, answer, verdict.why, change)

    def add_reached(
        self, method: str, path: str, answer: Answer, how: str, route: Route | None = None
    ) -> None:
        """Add a request that no route has to take; it counts if it reached an endpoint."""
        if not answer.reached or self._declared.covers(method, path):
            return
        why = f"the request reached the endpoint without a token, {how}"
        for found in self._open:
            # One more method or spelling of the same hole.
            if found.path == path and not found.reached.isdisjoint(answer.reached):
                found.methods.append(method)
                return
        self._note_open(method, path, route, answer, why)

    def no_placeholder(self, route: Route) -> None:
        """Add a route that could not be tried, because no path matches it."""
        for method in route.methods or ("WEBSOCKET",):
            self._declared.covers(method, route.path)
        why = "the audit knows no value for a parameter of the path, so the route was not tried"
        change = "pass one in `placeholders` of assert_guarded"
        methods = route.methods or ("WEBSOCKET",)
        self._holes.append(Hole(methods, route.path, self._names[id(route.endpoint)], why, change))

    def report(self) -> Report:
        """Return the report about everything that was added."""
        own = {function for found in self._open if found.is_own for function in found.reached}
        for found in self._open:
            # A catch-all route answers at the paths of others: it is reported at its own path.
            if found.is_own or own.isdisjoint(found.reached):
                methods = tuple(dict.fromkeys(found.methods))
                name = self._names[id(found.endpoint)]
                self._holes.append(Hole(methods, found.path, name, found.why, found.change))
        unused = map(self._unused, self._declared.without_route())
        open_methods = {(method, hole.path) for hole in self._holes for method in hole.methods}
        for (path, _, _), guarded in self._checked[Outcome.REFUSED].items():
            guarded[:] = [method for method in guarded if (method, path) not in open_methods]
        return Report(
            (*self._holes, *unused),
            self._of(Outcome.OPEN),
            self._of(Outcome.REFUSED),
            self._of(Outcome.NOT_REACHED),
            self._unread,
        )

    def _unused(self, entry: str) -> Hole:
        if entry not in self._not_open:
            return Hole(
                (), entry, "", "no route has this entry of `public`", "remove it from `public`"
            )
        change = "name the method that is open, or remove the entry from `public`"
        return Hole((), entry, "", self._not_open[entry], change)

    def _note_open(
        self, method: str, path: str, route: Route | None, answer: Answer, why: str,
        change: str | None = None,
    ) -> None:  # fmt: skip
        reached = answer.reached
        is_own = not reached or any(path in self._paths[body] for body in reached)
        if not is_own and all(
            self._declared.covers(method, own) for body in reached for own in self._paths[body]
        ):
            return
        endpoint = route.endpoint if route is not None and is_own else reached[0]
        change = change or self._change(route, answer)
        for found in self._open:
            if (found.path, found.change) == (path, change) and found.endpoint is endpoint:
                break
        else:
            found = _Open(path, endpoint, why, change, is_own=is_own)
            self._open.append(found)
        found.methods.append(method)
        found.reached.update(reached)

    def _change(self, route: Route | None, answer: Answer) -> str:
        if route is not None and route.bypassed is not None:
            return _BELOW
        if PRINCIPAL_KEY not in answer.scope:
            return f"no guard has seen the request: put BearerMiddleware around it; {_DECLARE}"
        if any(paths.match(answer.sent_scope) for paths in self._public_paths):
            return f"remove it from `public` of BearerMiddleware; {_DECLARE}"
        return (
            "the guard let the request pass (`optional`, `preflight`, `PUBLIC` of Django or "
            "`exclude_from_auth` of Litestar): protect the endpoint with `@requires`, or as your"
            f" framework does; {_DECLARE}"
        )

    def _note(self, outcome: Outcome, method: str, route: Route, why: str) -> None:
        why = why if outcome is not Outcome.OPEN else ""
        key = (route.path, self._names[id(route.endpoint)], why)
        self._checked[outcome].setdefault(key, []).append(method)

    def _of(self, outcome: Outcome) -> tuple[Checked, ...]:
        return tuple(
            Checked(tuple(methods), path, endpoint, why)
            for (path, endpoint, why), methods in self._checked[outcome].items()
            if methods
        )
