"""The guard in front of bare ASGI, Starlette, FastAPI and Litestar applications."""

from typing import Any

import litestar
import pytest
from fastapi import FastAPI
from fastapi import Request as FastAPIRequest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from asgi_bearer import BearerMiddleware
from asgi_bearer.starlette import requires
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client

issuer = FakeIssuer()


def guard(app: Any) -> BearerMiddleware:
    return BearerMiddleware(app, verifier=issuer.verifier(), public={"/open"}, realm="contacts")


async def bare(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/open":
        status, body = 200, b"open"
    elif "read:contacts" not in scope["auth"].scopes:
        status, body = 403, b""
    else:
        status, body = 200, scope["user"].subject.encode()
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})


@requires("read:contacts")
async def starlette_contacts(request: Request) -> Response:
    return Response(request.user.subject)


async def starlette_open(request: Request) -> Response:
    return Response("open")


def starlette_middleware() -> ASGIApp:
    return Starlette(
        routes=[Route("/contacts", starlette_contacts), Route("/open", starlette_open)],
        middleware=[
            Middleware(
                BearerMiddleware, verifier=issuer.verifier(), public={"/open"}, realm="contacts"
            )
        ],
    )


def starlette_mount() -> ASGIApp:
    """Guard only the mounted application."""
    inner = Starlette(routes=[Route("/", starlette_contacts)])
    guarded = BearerMiddleware(inner, verifier=issuer.verifier(), realm="contacts")
    return Starlette(routes=[Route("/open", starlette_open), Mount("/contacts", guarded)])


def fastapi_app() -> ASGIApp:
    app = FastAPI()

    @app.get("/contacts")
    @requires("read:contacts")
    async def contacts(request: FastAPIRequest, limit: int = 10) -> str:
        return str(request.user.subject)

    @app.get("/open")
    def is_open() -> str:
        return "open"

    return guard(app)


def fastapi_mount() -> ASGIApp:
    inner = FastAPI()

    @inner.get("/")
    @requires("read:contacts")
    def contacts(request: FastAPIRequest) -> str:
        return str(request.user.subject)

    guarded = BearerMiddleware(inner, verifier=issuer.verifier(), realm="contacts")
    return Starlette(routes=[Route("/open", starlette_open), Mount("/contacts", guarded)])


def litestar_app() -> ASGIApp:
    @litestar.get("/contacts", media_type="text/plain")
    @requires("read:contacts")
    async def contacts(request: litestar.Request[Any, Any, Any]) -> str:
        return str(request.user.subject)

    @litestar.get("/open", media_type="text/plain")
    async def is_open() -> str:
        return "open"

    return guard(litestar.Litestar([contacts, is_open], openapi_config=None, logging_config=None))


APPLICATIONS = [
    pytest.param(lambda: guard(bare), False, id="bare ASGI callable"),
    pytest.param(starlette_middleware, True, id="Starlette"),
    pytest.param(starlette_mount, True, id="Starlette mount"),
    pytest.param(fastapi_app, True, id="FastAPI"),
    pytest.param(fastapi_mount, True, id="FastAPI mount"),
    pytest.param(litestar_app, True, id="Litestar"),
]


@pytest.mark.parametrize(("application", "has_scopes"), APPLICATIONS)
async def test_a_guarded_application_answers_401_200_and_403(
    application: Any, has_scopes: bool
) -> None:
    async with client(application()) as http:
        anonymous = await http.get("/contacts", follow_redirects=True)
        alice = await http.get("/contacts", headers=bearer(issuer.token()), follow_redirects=True)
        other = await http.get(
            "/contacts", headers=bearer(issuer.token(scope="openid")), follow_redirects=True
        )
        public = await http.get("/open")

    assert anonymous.status_code == 401
    assert anonymous.headers["www-authenticate"] == 'Bearer realm="contacts"'
    assert (alice.status_code, alice.text.strip('"')) == (200, "alice")
    assert other.status_code == 403
    if has_scopes:
        assert 'scope="read:contacts"' in other.headers["www-authenticate"]
    assert (public.status_code, public.text.strip('"')) == (200, "open")


@pytest.mark.conforms("OPTIONS needs a token; CORS outside the guard answers preflights")
async def test_refusals_inside_a_cors_middleware_have_cors_headers() -> None:
    """A script can then read the refusal and its challenge."""
    app = CORSMiddleware(guard(bare), allow_origins=["https://web.example"])
    origin = {"origin": "https://web.example"}

    refusal = await client(app).get("/contacts", headers=origin)
    preflight = await client(app).options(
        "/contacts", headers={**origin, "access-control-request-method": "GET"}
    )

    assert refusal.status_code == 401
    assert refusal.headers["access-control-allow-origin"] == "https://web.example"
    assert refusal.headers["access-control-expose-headers"] == "WWW-Authenticate"
    assert preflight.status_code == 200


@pytest.mark.conforms("each issuer has its own audience")
async def test_two_guards_with_different_audiences_accept_different_tokens() -> None:
    """A token for one API of a host is refused by the other APIs."""
    other = FakeIssuer(audience="https://api.example/other")
    app = Starlette(
        routes=[
            Mount("/contacts", BearerMiddleware(bare, verifier=issuer.verifier())),
            Mount("/other", BearerMiddleware(bare, verifier=other.verifier())),
        ]
    )
    headers = bearer(issuer.token())

    statuses = [
        (await client(app).get(path, headers=headers)).status_code
        for path in ("/contacts/", "/other/", "/contacts/")
    ]

    assert statuses == [200, 401, 200]


async def test_the_openapi_document_of_fastapi_needs_a_token_unless_it_is_public() -> None:
    response = await client(fastapi_app()).get("/openapi.json")

    assert response.status_code == 401
