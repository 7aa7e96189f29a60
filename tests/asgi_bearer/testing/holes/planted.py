"""An application with planted holes and closed look-alikes, and what the audit must say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeIssuer


@dataclass(frozen=True)
class Planted:
    """An application, and what the audit must find in it.

    Arguments:
        app: the application, as a server would get it.
        holes: `METHODS path` of each hole, with the kind of hole.
        closed: `METHOD path` of what is no hole.
        public: what the application's owner declares to be public.
        settings: the settings of Django.
    """

    app: Callable[..., Any]
    holes: dict[str, str]
    closed: set[str] = field(default_factory=set[str])
    public: frozenset[str] = frozenset()
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])


def guard(app: Callable[..., Any], **arguments: Any) -> BearerMiddleware:
    """Return the application behind a guard."""
    return FakeIssuer().guard(app, **arguments)


def verifier() -> Any:
    """Return a verifier for the guard."""
    return FakeIssuer().verifier()


def must_not_run() -> NoReturn:
    """Fail: the audit must not run the body of an endpoint."""
    raise SystemExit("the audit ran an endpoint")
