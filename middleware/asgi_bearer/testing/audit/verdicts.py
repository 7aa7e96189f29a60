"""Decides what an answer says about a route: refused by a guard, open, or not reached."""

import re
import traceback
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from asgi_bearer import errors
from asgi_bearer.testing.audit.calls import Answer
from asgi_bearer.testing.audit.routes.route import Route

_PACKAGE: Final = Path(errors.__file__).parent
_BEARER: Final = re.compile(r"bearer(?: |$)", re.IGNORECASE)
_SCOPE: Final = re.compile(r'scope="([^"]*)"')


class Outcome(Enum):
    """What became of a request."""

    REFUSED = "refused"
    OPEN = "open"
    NOT_REACHED = "not reached"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of a request, and why."""

    outcome: Outcome
    why: str = ""


_REFUSED: Final = Verdict(Outcome.REFUSED)


def without_token(route: Route, answer: Answer) -> Verdict:
    """Judge the answer to a request without a token, with a method that the route takes."""
    if answer.reached:
        return Verdict(Outcome.OPEN, "the request reached the endpoint without a token")
    if _is_challenged(answer, 401):
        return _REFUSED
    if route.is_fallback and answer.is_unknown_path:
        return Verdict(Outcome.OPEN, "the handler for unknown paths answers without a token")
    if route.is_fallback or (answer.is_unknown_path and not _is_chosen(route, answer)):
        return Verdict(Outcome.NOT_REACHED, "no route matches")
    if answer.is_accepted or _is_success(answer):
        return Verdict(
            Outcome.OPEN, f"{_description(answer)}: application code answered without a token"
        )
    if (error := _error_of_the_guard(answer)) is not None:
        return Verdict(Outcome.NOT_REACHED, error)
    if route.protected:
        # Something before the endpoint answered. The endpoint itself would still ask for a token.
        return _REFUSED
    if (reason := _not_routed(route, answer)) is not None:
        return Verdict(Outcome.NOT_REACHED, reason)
    return Verdict(
        Outcome.OPEN, f"{_description(answer)} without a token, and it was no guard that answered"
    )


def with_token_without_scopes(route: Route, answer: Answer) -> Verdict:
    """Judge the answer to a token without scopes, for a route that declares scopes."""
    names = " ".join(route.scopes)
    if answer.reached:
        return Verdict(Outcome.OPEN, f"a token without the declared scope {names!r} gets through")
    if answer.status == 403:
        text = " ".join(text for value in answer.challenges for text in _SCOPE.findall(value))
        named = set(text.split())
        if not named.issuperset(route.bypassed or ()):
            return Verdict(
                Outcome.OPEN, f"the scope {' '.join(route.bypassed or ())!r} is not checked"
            )
        if not named.isdisjoint(route.scopes):
            return _REFUSED
        return Verdict(Outcome.OPEN, f"the 403 does not name the scope {names!r}")
    if answer.status == 401:
        return Verdict(Outcome.OPEN, f"the scope {names!r} was not checked: the token was refused")
    if route.protected and not answer.is_accepted and not _is_success(answer):
        return _REFUSED
    if (reason := _not_routed(route, answer)) is not None:
        return Verdict(Outcome.NOT_REACHED, reason)
    return Verdict(
        Outcome.OPEN, f"{_description(answer)} for a token without the declared scope {names!r}"
    )


def _is_success(answer: Answer) -> bool:
    return answer.status is not None and answer.status < 300


def _is_challenged(answer: Answer, status: int) -> bool:
    return answer.status == status and any(map(_BEARER.match, answer.challenges))


def _error_of_the_guard(answer: Answer) -> str | None:
    """Return the error with which the guard's code ended the request, if it did."""
    if answer.error is None:
        return None
    frames = traceback.extract_tb(answer.error.__traceback__)
    if Path(frames[-1].filename).is_relative_to(_PACKAGE):
        return f"{type(answer.error).__name__}: {answer.error}"
    return None


def _not_routed(route: Route, answer: Answer) -> str | None:
    """Return why the router did not choose the route, or None if it did."""
    is_chosen = _is_chosen(route, answer)
    if answer.chosen is not None and not is_chosen:
        return "another route answers at this path"
    if answer.status in (405, 501) or (answer.status == 404 and route.bodies and not is_chosen):
        return _description(answer)
    if route.kind == "websocket" and answer.close_code is not None and not is_chosen:
        return _description(answer)
    return None


def _is_chosen(route: Route, answer: Answer) -> bool:
    return answer.chosen is not None and answer.chosen is route.selected


def _description(answer: Answer) -> str:
    if answer.status is not None:
        return f"answered {answer.status}"
    if answer.is_accepted:
        return "accepted the WebSocket"
    if answer.close_code is not None:
        return f"closed the WebSocket with {answer.close_code}"
    if answer.error is not None:
        return f"raised {type(answer.error).__name__}"
    return "did not answer"
