"""CORS outside the guard, as recommended, and what `preflight=True` opens."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client

issuer = FakeIssuer()
guard = issuer.guard

ORIGIN = {"origin": "https://web.example"}
PREFLIGHT = {
    **ORIGIN,
    "access-control-request-method": "GET",
    "access-control-request-headers": "authorization",
}
CORS: dict[str, Any] = {
    "allow_origins": ["https://web.example"],
    "allow_headers": ["Authorization"],
    "expose_headers": ["WWW-Authenticate", "Retry-After"],
}
DATA = "the contacts"


async def answer_every_method(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer every request with the data, whatever its method."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": DATA.encode()})


class Endpoint:
    """An ASGI class, which Starlette calls for every method."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._send = send

    def __await__(self) -> Any:
        return answer_every_method({}, _nothing, self._send).__await__()


async def _nothing() -> Any:
    raise NotImplementedError


def view(_request: Request) -> Response:
    """Answer every method, like a Django function view."""
    return JSONResponse(DATA)


class MethodOverride:
    """Lets a header set the method, for clients behind unusual proxies."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            named = dict(scope["headers"]).get(b"x-http-method-override", b"")
            scope["method"] = named.decode() or scope["method"]
        await self._app(scope, receive, send)


class Contacts(HTTPEndpoint):
    """An endpoint that checks the method."""

    async def get(self, _request: Request) -> Response:
        return JSONResponse(DATA)


METHODS = ["GET", "POST", "OPTIONS"]

IGNORE_THE_METHOD = [
    pytest.param(answer_every_method, id="raw ASGI"),
    pytest.param(Starlette(routes=[Route("/", Endpoint)]), id="ASGI class in Starlette"),
    pytest.param(Starlette(routes=[Route("/", view, methods=METHODS)]), id="function view"),
    pytest.param(
        MethodOverride(Starlette(routes=[Route("/", Contacts)])), id="method from a header"
    ),
]


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
@pytest.mark.parametrize("app", IGNORE_THE_METHOD)
async def test_a_preflight_does_not_get_the_data_of_an_application_that_ignores_the_method(
    app: Any,
) -> None:
    """Any client can send a preflight."""
    headers = {**PREFLIGHT, "x-http-method-override": "GET"}

    async with client(guard(app)) as http:
        anonymous = await http.options("/", headers=headers)
        alice = await http.options("/", headers={**headers, **bearer(issuer.token())})

    assert (anonymous.status_code, DATA in anonymous.text) == (401, False)
    assert (alice.status_code, DATA in alice.text) == (200, True)


@pytest.mark.parametrize("app", IGNORE_THE_METHOD)
async def test_with_preflight_an_application_that_ignores_the_method_is_open_as_documented(
    app: Any,
) -> None:
    headers = {**PREFLIGHT, "x-http-method-override": "GET"}

    response = await client(guard(app, preflight=True)).options("/", headers=headers)

    assert (response.status_code, DATA in response.text) == (200, True)
    assert "answers it with its data" in " ".join((BearerMiddleware.__doc__ or "").split())


def cors_around_the_guard() -> ASGIApp:
    return CORSMiddleware(guard(Starlette(routes=[Route("/", Contacts)])), **CORS)


def cors_first_in_the_list() -> ASGIApp:
    return Starlette(
        routes=[Route("/", Contacts)],
        middleware=[
            Middleware(CORSMiddleware, **CORS),
            Middleware(BearerMiddleware, verifier=issuer.verifier()),
        ],
    )


def cors_inside_with_preflight() -> ASGIApp:
    app = CORSMiddleware(Starlette(routes=[Route("/", Contacts)]), **CORS)
    return guard(app, preflight=True)


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
@pytest.mark.parametrize(
    ("make_app", "script_can_read"),
    [
        pytest.param(cors_around_the_guard, True, id="around the guard"),
        pytest.param(cors_first_in_the_list, True, id="first in Starlette's list"),
        pytest.param(cors_inside_with_preflight, False, id="inside, with preflight"),
    ],
)
async def test_cors_answers_preflights_and_adds_its_headers_to_refusals_if_it_is_outside(
    make_app: Any, script_can_read: bool
) -> None:
    """A script can read a refusal and its challenge only with the CORS headers."""
    async with client(make_app()) as http:
        preflight = await http.options("/", headers=PREFLIGHT)
        refused = await http.get("/", headers=ORIGIN)
        good = await http.get("/", headers={**ORIGIN, **bearer(issuer.token())})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert (refused.status_code, good.status_code) == (401, 200)
    assert good.headers["access-control-allow-origin"] == ORIGIN["origin"]
    assert ("access-control-allow-origin" in refused.headers) is script_can_read
    if script_can_read:
        exposed = refused.headers["access-control-expose-headers"]
        assert (
            {"WWW-Authenticate", "Retry-After"} >= set(exposed.split(", ")) >= {"WWW-Authenticate"}
        )


async def test_cors_inside_the_guard_answers_no_preflight_without_the_preflight_setting() -> None:
    """An operator notices the wrong order at once, and it opens nothing."""
    app = guard(CORSMiddleware(Starlette(routes=[Route("/", Contacts)]), **CORS))

    response = await client(app).options("/", headers=PREFLIGHT)

    assert response.status_code == 401


async def test_cors_outside_the_guard_refuses_a_preflight_from_another_origin() -> None:
    headers = {**PREFLIGHT, "origin": "https://evil.example"}

    async with client(cors_around_the_guard()) as http:
        preflight = await http.options("/", headers=headers)
        plain = await http.options("/", headers=ORIGIN)

    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert plain.status_code == 401
