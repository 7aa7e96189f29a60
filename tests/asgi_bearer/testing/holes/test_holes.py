"""`assert_guarded` finds every planted hole, and no other."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest

from asgi_bearer.testing.audit import audited
from asgi_bearer.testing.audit.report import Report
from tests.asgi_bearer.testing.holes import (
    django_holes,
    fastapi_holes,
    litestar_holes,
    quart_holes,
    starlette_holes,
)
from tests.asgi_bearer.testing.holes.planted import Planted

CASES = {
    "starlette": starlette_holes.PLANTED,
    "fastapi": fastapi_holes.PLANTED,
    "django": django_holes.PLANTED,
    "litestar": litestar_holes.PLANTED,
    "quart": quart_holes.PLANTED,
}


def parameters() -> Iterator[object]:
    for framework, applications in CASES.items():
        for number, planted in enumerate(applications):
            yield pytest.param(planted, id=f"{framework}-{number}")


def django_settings(planted: Planted) -> AbstractContextManager[None]:
    return django_holes.settings_for(planted) if planted.settings else nullcontext()


def holes_of(report: Report) -> list[str]:
    return sorted(f"{', '.join(sorted(hole.methods))} {hole.path}" for hole in report.holes)


def no_holes_of(report: Report) -> set[str]:
    return {
        f"{method} {route.path}"
        for routes in (report.guarded, report.not_reached, report.public)
        for route in routes
        for method in route.methods
    }


@pytest.mark.parametrize("planted", list(parameters()))
def test_every_planted_hole_is_found_and_nothing_closed_is_reported(planted: Planted) -> None:
    with django_settings(planted):
        report = audited(planted.app, public=planted.public)

    assert holes_of(report) == sorted(planted.holes), str(report)
    assert planted.closed <= no_holes_of(report), str(planted.closed - no_holes_of(report))


KINDS = {
    *("order of decorators", "scope is not enforced", "mount beside the guard"),
    *("too many public paths", "WebSocket", "HEAD", "OPTIONS", "debug route", "preflight"),
    *("admin", "debug page with all URL patterns", "static files", "spelling of the path"),
}


def test_at_least_100_different_holes_are_planted_in_five_frameworks() -> None:
    """Routes of Django's admin count as one hole, and a route in several applications once."""
    holes = {
        (framework, "admin" if kind == "admin" else hole, kind)
        for framework, applications in CASES.items()
        for planted in applications
        for hole, kind in planted.holes.items()
    }

    assert len({(framework, hole) for framework, hole, _ in holes}) >= 100
    assert {kind for _, _, kind in holes} >= KINDS
    assert {framework for framework, _, kind in holes if kind == "order of decorators"} == {*CASES}
