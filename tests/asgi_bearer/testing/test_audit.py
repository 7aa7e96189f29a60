"""`assert_guarded`: what it says, what it leaves alone, what it needs."""

import inspect
import subprocess
import sys
from collections.abc import AsyncIterator
from types import FunctionType
from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute

from asgi_bearer import BearerMiddleware, Presented, Principal, TokenMalformed
from asgi_bearer.guard.declared import bypassed_scopes
from asgi_bearer.starlette import Refused, refused_response, requires
from asgi_bearer.testing import FakeIssuer
from asgi_bearer.testing.audit import assert_guarded, audited
from asgi_bearer.testing.audit.reached import Reached, watching
from tests.support.asgi import bearer, client

HANDLERS: dict[Any, Any] = {Refused: refused_response}


async def page(request: Request) -> Response:
    return PlainTextResponse("data")


async def other(request: Request) -> Response:
    return PlainTextResponse("other data")


@requires("read:contacts")
async def contacts(request: Request) -> Response:
    return PlainTextResponse("contacts")


def site(*routes: Any, **arguments: Any) -> BearerMiddleware:
    return FakeIssuer().guard(
        Starlette(routes=list(routes), exception_handlers=HANDLERS), **arguments
    )


def test_an_application_without_holes_passes_and_the_report_lists_its_routes() -> None:
    app = site(Route("/contacts", contacts), Route("/healthz", page), public={"/healthz"})

    report = assert_guarded(app, public={"/healthz"})

    assert [(route.methods, route.path) for route in report.guarded] == [
        (("GET", "HEAD"), "/contacts")
    ]
    assert [(route.methods, route.path) for route in report.public] == [
        (("GET", "HEAD"), "/healthz")
    ]
    assert (report.holes, report.not_reached) == ((), ())


def test_one_error_names_every_hole_with_endpoint_reason_and_remedy() -> None:
    app = site(Route("/open", page), Route("/beside", other), public={"/open"}, optional=True)

    with pytest.raises(AssertionError) as caught:
        assert_guarded(app)

    text = str(caught.value)
    line = page.__code__.co_firstlineno
    assert text.startswith("2 holes:\n")
    assert f"GET, HEAD /open -> {__name__}.page (line {line})" in text
    assert "the request reached the endpoint without a token" in text
    assert "remove it from `public` of BearerMiddleware" in text
    assert f"GET, HEAD /beside -> {__name__}.other" in text
    assert "protect the endpoint with `@requires`" in text


async def test_the_audit_runs_where_an_event_loop_runs_already() -> None:
    assert_guarded(site(Route("/contacts", contacts)))


async def test_endpoints_do_not_run_during_the_audit_and_are_as_before_after_it() -> None:
    calls: list[str] = []

    async def endpoint(request: Request) -> Response:
        calls.append(request.method)
        return PlainTextResponse("data")

    code = endpoint.__code__
    app = Starlette(routes=[Route("/open", endpoint)])

    with pytest.raises(AssertionError, match="1 hole:"):
        assert_guarded(app)

    assert calls == []
    assert endpoint.__code__ is code
    async with client(app) as http:
        assert (await http.get("/open")).text == "data"


async def test_the_verifier_trusts_the_token_of_the_audit_only_during_the_audit() -> None:
    tokens: list[str] = []
    issuer = FakeIssuer()

    async def application(scope: Any, receive: Any, send: Any) -> None:
        tokens.extend(
            value.decode().removeprefix("Bearer ")
            for name, value in scope["headers"]
            if name == b"authorization"
        )
        await inner(scope, receive, send)

    inner = Starlette(routes=[Route("/contacts", contacts)], exception_handlers=HANDLERS)
    app = issuer.guard(application)

    assert_guarded(app)

    assert len(set(tokens)) == 1
    async with client(app) as http:
        assert (await http.get("/contacts", headers=bearer(tokens[0]))).status_code == 401


class AnotherVerifier:
    """A verifier that only `FakeIssuer` can make tokens for."""

    def __init__(self, issuer: FakeIssuer) -> None:
        self._verifier = issuer.verifier()

    async def verify(self, presented: Presented) -> Principal:
        return await self._verifier.verify(presented)


def test_scopes_are_checked_with_a_token_of_the_issuer() -> None:
    tokens: list[object] = []

    class Issuer(FakeIssuer):
        def token(self, *shape: Any, **changes: Any) -> str:
            tokens.append(changes)
            return super().token(*shape, **changes)

    @requires("read:contacts")
    async def decorated(request: Request) -> Response:
        return PlainTextResponse("contacts")

    undecorated: Any = vars(decorated)["__wrapped__"]

    with pytest.raises(AssertionError, match="write `@requires` below the route's decorator"):
        assert_guarded(site(Route("/contacts", undecorated)), issuer=Issuer())

    assert tokens == [{"scope": None}]


def test_another_verifier_needs_an_issuer_because_scopes_are_not_skipped_silently() -> None:
    issuer = FakeIssuer()

    class Strict(AnotherVerifier):
        async def verify(self, presented: Presented) -> Principal:
            if presented.token.startswith("assert-guarded"):
                raise TokenMalformed("a token of another issuer")
            return await super().verify(presented)

    app = site(Route("/contacts", contacts), verifier=Strict(issuer))

    with pytest.raises(AssertionError, match=r"was not checked(.|\n)*pass an `issuer`"):
        assert_guarded(app)
    assert assert_guarded(app, issuer=issuer).holes == ()


def test_a_stale_entry_of_public_is_a_hole_and_a_wrong_one_an_error() -> None:
    app = site(Route("/contacts", contacts))

    with pytest.raises(AssertionError, match="no route has this entry of `public`"):
        assert_guarded(app, public={"/gone"})
    with pytest.raises(ValueError, match="must be a path, or a method and a path"):
        assert_guarded(app, public={"gone"})
    with pytest.raises(ValueError, match="must be a set of paths, not the string '/gone'"):
        assert_guarded(app, public="/gone")


@pytest.mark.parametrize(
    ("public", "holes"),
    [
        ({"/open"}, []),
        ({"GET /open", "POST /open"}, []),
        ({"GET /open"}, [("POST",)]),
        ({"POST /open"}, [("GET", "HEAD")]),
        ({"/*"}, []),
        ({"HEAD /open"}, [("GET", "POST")]),
    ],
)
def test_public_names_a_path_or_a_method_or_all_paths_below(
    public: set[str], holes: list[tuple[str, ...]]
) -> None:
    app = Starlette(routes=[Route("/open", page, methods=["GET", "POST"])])

    report = audited(app, public=public)

    assert [tuple(sorted(hole.methods)) for hole in report.holes] == holes


def test_a_parameter_without_a_known_value_is_a_hole_until_a_placeholder_is_given() -> None:
    from starlette.convertors import StringConvertor, register_url_convertor

    class Sku(StringConvertor):
        regex = "SKU-[0-9]{6}"

    register_url_convertor("sku", Sku())
    app = site(Route("/items/{item:sku}", page))

    with pytest.raises(AssertionError, match="pass one in `placeholders`"):
        assert_guarded(app, public={"/items/{item:sku}"})
    report = assert_guarded(app, placeholders={"item": "SKU-000001"})
    assert [route.path for route in report.guarded] == ["/items/{item:sku}"]


def test_the_host_is_that_of_the_argument() -> None:
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    app = TrustedHostMiddleware(site(Route("/page", page)), ["api.example"])

    assert_guarded(app, host="api.example")
    with pytest.raises(AssertionError, match="answered 400 without a token"):
        assert_guarded(app)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"data"


class Stream:
    """An endpoint whose function the audit cannot find."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await StreamingResponse(endless())(scope, receive, send)


def test_an_endless_answer_of_an_endpoint_that_cannot_be_replaced_ends() -> None:
    with pytest.raises(AssertionError, match="answered 200"):
        assert_guarded(Starlette(routes=[Route("/stream", Stream())]))


def test_an_application_that_does_not_answer_is_a_hole() -> None:
    class Silent:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            return

    with pytest.raises(AssertionError, match="did not answer"):
        assert_guarded(Starlette(routes=[Route("/silent", Silent())]))


def test_an_endpoint_that_needs_a_guard_and_has_none_is_not_open() -> None:
    app = Starlette(
        routes=[Route("/contacts", contacts), WebSocketRoute("/news", requires()(news))],
        exception_handlers=HANDLERS,
    )

    report = assert_guarded(app)

    assert {route.path for route in report.not_reached} == {"/contacts", "/news"}
    assert all("must be behind a BearerMiddleware" in route.why for route in report.not_reached)


async def news(websocket: Any) -> None:
    await websocket.accept()


def test_importing_the_audit_imports_no_framework() -> None:
    program = (
        "import sys, asgi_bearer.testing.audit\n"
        "names = {'starlette', 'fastapi', 'litestar', 'quart', 'django', 'channels', 'ninja'}\n"
        "print(sorted(names & {name.partition('.')[0] for name in sys.modules}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert result.stdout.strip() == "[]"


def test_generators_are_replaced_by_functions_of_their_kind() -> None:
    def generator() -> Any:
        yield 1

    async def async_generator() -> Any:
        yield 1

    with watching(
        [cast("FunctionType", generator), cast("FunctionType", async_generator)]
    ) as watch:
        assert inspect.isgeneratorfunction(generator)
        assert inspect.isasyncgenfunction(async_generator)
        with pytest.raises(Reached):
            next(generator())

    assert watch.functions == [generator]
    assert next(generator()) == 1


def test_what_cannot_be_decorated_was_not_bypassed() -> None:
    assert bypassed_scopes(1) is None
