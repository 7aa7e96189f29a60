"""What `assert_guarded` says about answers that neither a guard nor an endpoint gives."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from asgi_bearer.starlette import Refused, refused_response, requires
from asgi_bearer.testing import FakeIssuer, assert_guarded
from asgi_bearer.testing.audit import audited, calls
from asgi_bearer.testing.audit.report import Report

HANDLERS: dict[Any, Any] = {Refused: refused_response}


def page() -> Any:
    async def endpoint(request: Request) -> Response:
        return PlainTextResponse("data")

    return endpoint


async def socket(websocket: Any) -> None:
    await websocket.accept()


async def missing(request: Request, exc: Exception) -> Response:
    return PlainTextResponse("There is nothing here.", 404)


class Answers:
    """An application that answers every request with a status."""

    def __init__(self, status: int) -> None:
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(status_code=self.status)(scope, receive, send)


def reasons(report: Report) -> dict[str, str]:
    return {route.path: route.why for route in report.not_reached}


def test_a_route_that_a_mount_hides_is_not_reached() -> None:
    app = Starlette(
        routes=[
            Mount("/part", Starlette()),
            Route("/part/page", page()),
            WebSocketRoute("/part/socket", socket),
        ]
    )

    report = assert_guarded(app)

    assert reasons(report) == {
        "/part/page": "answered 404",
        "/part/socket": "closed the WebSocket with 1000",
    }


def test_a_route_that_a_mount_hides_is_not_reached_if_the_application_answers_unknown_paths() -> (
    None
):
    inner = Starlette(exception_handlers={404: missing})
    app = Starlette(routes=[Mount("/part", inner), Route("/part/page", page())])

    report = assert_guarded(app, public={"/part/<no route>"})

    assert reasons(report) == {"/part/page": "no route matches"}


def bypassed() -> Any:
    endpoint = page()
    requires("read:x")(endpoint)
    return endpoint


@pytest.mark.parametrize("endpoint", [requires("read:x")(page()), bypassed()])
def test_a_hidden_route_with_scopes_behind_a_guard_is_guarded(endpoint: Any) -> None:
    app = Starlette(routes=[Mount("/part", Starlette()), Route("/part/page", endpoint)])

    report = assert_guarded(FakeIssuer().guard(app))

    assert [(route.methods, route.path) for route in report.guarded] == [
        (("GET", "HEAD"), "/part/page")
    ]


def test_a_route_that_another_route_hides_is_not_reached() -> None:
    app = Starlette(routes=[Route("/{any}", Answers(400)), Route("/page", page())])

    report = audited(app)

    assert [hole.path for hole in report.holes] == ["/{any}"]
    assert reasons(report) == {"/page": "another route answers at this path"}


def test_a_route_that_a_public_one_hides_is_no_hole() -> None:
    app = Starlette(routes=[Route("/{rest:path}", page()), Route("/page", page())])

    assert_guarded(app, public={"/{rest:path}"})


class Maintenance:
    """Middleware that answers each request with 503."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Response(status_code=503)(scope, receive, send)


def test_what_answers_in_front_of_the_endpoint_is_a_hole_unless_the_endpoint_checks_the_token() -> (
    None
):
    app = Starlette(
        routes=[Route("/open", page()), Route("/closed", requires("read:x")(page()))],
        middleware=[Middleware(Maintenance)],
    )

    report = audited(app)

    assert [(hole.path, hole.why) for hole in report.holes] == [
        ("/open", "answered 503 without a token, and it was no guard that answered")
    ]
    assert [route.path for route in report.guarded] == ["/closed"]


def test_a_redirect_to_another_host_is_a_hole_because_nothing_was_checked() -> None:
    app = TrustedHostMiddleware(Starlette(routes=[Route("/page", page())]), ["www.api.example"])

    with pytest.raises(AssertionError, match="answered 307 without a token"):
        assert_guarded(app, host="api.example")


def test_an_application_that_fails_is_a_hole() -> None:
    class Failing:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            raise ZeroDivisionError

    with pytest.raises(AssertionError, match="raised ZeroDivisionError without a token"):
        assert_guarded(Failing())


class AddsToken:
    """Middleware that adds a token of its own, as a proxy for browsers does."""

    def __init__(self, app: Any, token: str) -> None:
        self.app = app
        self.token = token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        header = (b"authorization", f"Bearer {self.token}".encode())
        await self.app({**scope, "headers": [header]}, receive, send)


def test_middleware_that_adds_a_good_token_opens_every_route() -> None:
    issuer = FakeIssuer()
    guarded = issuer.guard(Starlette(routes=[Route("/page", page())]))

    assert_guarded(AddsToken(guarded, issuer.token(aud="https://other.example/")))
    with pytest.raises(AssertionError, match=r"/page .*\n.*reached the endpoint without a token"):
        assert_guarded(AddsToken(guarded, issuer.token()))


class Waiting:
    """An endpoint that begins to answer and then waits for ever."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.early_hint", "links": []})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await asyncio.Event().wait()


def test_an_answer_that_never_ends_does_not_stop_the_audit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "_SECONDS_TO_END", 0.01)

    with pytest.raises(AssertionError, match="answered 200"):
        assert_guarded(Starlette(routes=[Route("/events", Waiting())]))


async def test_an_async_generator_notes_that_it_was_reached() -> None:
    from asgi_bearer.testing.audit.reached import Reached, watching

    async def events() -> AsyncIterator[int]:
        yield 1

    function: Any = events
    with watching([function]) as watch, pytest.raises(Reached):
        await anext(events())

    assert watch.functions == [function]


@pytest.mark.parametrize("optional", [False, True])
def test_the_audit_sends_few_requests_for_each_route(*, optional: bool) -> None:
    """An audit of 200 routes takes less than a second."""
    requests: list[str] = []
    inner = Starlette(
        routes=[Route(f"/page/{n}", requires("read:x")(page())) for n in range(200)],
        exception_handlers=HANDLERS,
    )
    guarded = FakeIssuer().guard(inner, optional=optional)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        requests.append(scope["path"])
        await guarded(scope, receive, send)

    assert_guarded(app)

    # GET and HEAD without a token, and GET with one; if the guard itself refuses, also OPTIONS, a
    # preflight, TRACE, an unknown method, and seven spellings of the path.
    assert len(requests) <= 200 * (3 if optional else 14)
