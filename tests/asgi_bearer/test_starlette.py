"""Scopes per endpoint in Starlette: functions, methods and classes, HTTP and WebSocket."""

import functools
import logging
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, SimpleUser
from starlette.authentication import requires as starlette_requires
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from asgi_bearer import BearerMiddleware
from asgi_bearer.starlette import Refused, refused_response, requires, requires_any
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client, handshake, websocket_scope

issuer = FakeIssuer()


@requires("read:contacts")
async def read_contacts(request: Request) -> Response:
    """Answers with the caller's name."""
    return JSONResponse(request.user.subject)


@requires("read:contacts")
def not_async(request: Request) -> Response:
    return JSONResponse(request.user.subject)


@requires("write:contacts", "read:contacts")
async def all_scopes(request: Request) -> Response:
    return Response()


@requires_any("write:contacts", "read:contacts")
async def any_scope(request: Request) -> Response:
    return Response()


@requires()
async def no_scopes(request: Request) -> Response:
    return Response()


@starlette_requires("read:contacts")
async def starlette_decorator(request: Request) -> Response:
    return Response()


@requires("read:contacts")
class Endpoint(HTTPEndpoint):
    """An endpoint class."""

    async def get(self, request: Request) -> Response:
        return Response()


class Methods:
    @requires("read:contacts")
    async def method(self, request: Request) -> Response:
        return Response()


@requires("read:contacts")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


@requires("read:contacts")
class Echo(WebSocketEndpoint):
    encoding = "text"


HTTP: dict[str, Any] = {
    "read_contacts": read_contacts,
    "not_async": not_async,
    "all_scopes": all_scopes,
    "any_scope": any_scope,
    "no_scopes": no_scopes,
    "starlette_decorator": starlette_decorator,
    "endpoint": Endpoint,
    "method": Methods().method,
}
WEBSOCKET: dict[str, Any] = {"echo": echo, "echo_class": Echo}


def application(**arguments: Any) -> BearerMiddleware:
    routes = [
        *(Route(f"/{name}", endpoint) for name, endpoint in HTTP.items()),
        *(WebSocketRoute(f"/{name}", endpoint) for name, endpoint in WEBSOCKET.items()),
    ]
    app = Starlette(routes=routes, **arguments)
    return BearerMiddleware(app, verifier=issuer.verifier(), realm="contacts", optional=True)


@pytest.mark.conforms(
    "a token with too little scope is 403 insufficient_scope",
    "scope names are compared with case",
)
@pytest.mark.parametrize(
    ("name", "scope", "status"),
    [
        *(
            pytest.param(name, "read:contacts", 200, id=name)
            for name in HTTP
            if name != "all_scopes"
        ),
        *(
            pytest.param(name, "openid", 403, id=f"{name} without the scope")
            for name in HTTP
            if name != "no_scopes"
        ),
        pytest.param("all_scopes", "read:contacts", 403, id="all_scopes: one of two"),
        pytest.param("all_scopes", "read:contacts write:contacts", 200, id="all_scopes"),
        pytest.param("any_scope", "write:contacts", 200, id="any_scope: the other one"),
        pytest.param("read_contacts", "READ:contacts", 403, id="other case"),
        pytest.param("read_contacts", "read:contacts2", 403, id="longer name"),
        pytest.param("read_contacts", "xread:contacts", 403, id="name within a name"),
    ],
)
async def test_an_endpoint_requires_its_scopes(name: str, scope: str, status: int) -> None:
    response = await client(application()).get(
        f"/{name}", headers=bearer(issuer.token(scope=scope))
    )

    assert response.status_code == status


@pytest.mark.conforms(
    "permissions and roles are not scopes unless scope_claims names them",
    "unknown claims grant nothing",
)
async def test_permissions_and_roles_are_not_scopes() -> None:
    token = issuer.token(
        scope=None, permissions=["read:contacts"], roles=["read:contacts"], admin=True
    )

    response = await client(application()).get("/read_contacts", headers=bearer(token))

    assert response.status_code == 403


@pytest.mark.parametrize("name", [name for name in HTTP if name != "starlette_decorator"])
async def test_a_request_without_a_token_is_401(name: str) -> None:
    response = await client(application()).get(f"/{name}")

    assert response.status_code == 401
    assert response.headers["www-authenticate"] == 'Bearer realm="contacts"'
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.conforms("a 403 names every scope that the endpoint needs")
@pytest.mark.parametrize(
    ("name", "scope"),
    [("all_scopes", "write:contacts read:contacts"), ("any_scope", "write:contacts read:contacts")],
)
async def test_the_challenge_names_all_scopes_of_the_endpoint(name: str, scope: str) -> None:
    response = await client(application()).get(
        f"/{name}", headers=bearer(issuer.token(scope="openid"))
    )

    assert 'error="insufficient_scope"' in response.headers["www-authenticate"]
    assert f'scope="{scope}"' in response.headers["www-authenticate"]


@pytest.mark.conforms("every refusal has an application/problem+json body of fixed text")
async def test_the_exception_handler_sends_a_problem_body() -> None:
    app = application(exception_handlers={Refused: refused_response})

    response = await client(app).get("/read_contacts", headers=bearer(issuer.token(scope="openid")))

    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["error"] == "insufficient_scope"
    assert response.headers["www-authenticate"].startswith('Bearer realm="contacts"')


async def test_the_exception_handler_handles_only_refusals() -> None:
    with pytest.raises(TypeError, match="KeyError"):
        await refused_response(Request({"type": "http"}), KeyError())


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/read_contacts", "needs read:contacts, the token has openid"),
        ("/any_scope", "needs one of write:contacts read:contacts, the token has openid"),
    ],
)
async def test_a_refusal_by_an_endpoint_is_logged_with_its_code(
    path: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await client(application()).get(path, headers=bearer(issuer.token(scope="openid")))

    (record,) = [record for record in caplog.records if record.name == "asgi_bearer"]
    assert record.getMessage() == f"refused GET {path}: insufficient_scope: {reason}"


@pytest.mark.parametrize("path", [f"/{name}" for name in WEBSOCKET])
async def test_a_token_with_the_scope_opens_a_websocket(path: str) -> None:
    sent = await handshake(application(), websocket_scope(path, bearer(issuer.token())))

    assert sent[0]["type"] == "websocket.accept"


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize("path", [f"/{name}" for name in WEBSOCKET])
async def test_a_websocket_without_the_scope_is_answered_with_403(path: str) -> None:
    token = issuer.token(scope="openid")

    sent = await handshake(application(), websocket_scope(path, bearer(token)))

    assert sent[0]["type"] == "websocket.http.response.start"
    assert sent[0]["status"] == 403
    assert b"insufficient_scope" in dict(sent[0]["headers"])[b"www-authenticate"]


@pytest.mark.conforms("a WebSocket is refused before accept; of other scopes only lifespan passes")
@pytest.mark.parametrize("path", [f"/{name}" for name in WEBSOCKET])
async def test_a_websocket_without_the_scope_is_closed_if_the_server_offers_no_http_response(
    path: str,
) -> None:
    token = issuer.token(scope="openid")

    sent = await handshake(application(), websocket_scope(path, bearer(token), denial=False))

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


async def test_an_endpoint_without_the_middleware_fails_with_an_error() -> None:
    app = Starlette(routes=[Route("/read_contacts", read_contacts)])

    with pytest.raises(RuntimeError, match="BearerMiddleware"):
        await client(app).get("/read_contacts")


def test_a_function_without_a_request_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="request or websocket"):

        @requires("read:contacts")
        async def endpoint(connection: Request) -> None: ...


def test_a_class_without_dispatch_cannot_be_decorated() -> None:
    with pytest.raises(TypeError, match="dispatch"):

        @requires("read:contacts")
        class Endpoint:
            pass


@pytest.mark.parametrize("scopes", [("a b",), ("",), ('"',)])
def test_an_invalid_scope_name_is_refused(scopes: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="scope"):
        requires(*scopes)


def test_requires_any_without_scopes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        requires_any()


def test_a_decorated_endpoint_keeps_its_name_and_docstring() -> None:
    assert read_contacts.__name__ == "read_contacts"
    assert read_contacts.__doc__ == "Answers with the caller's name."


async def test_a_partial_of_an_endpoint_can_be_decorated() -> None:
    async def named(request: Request, name: str) -> Response:
        return JSONResponse(name)

    endpoint = requires("read:contacts")(functools.partial(named, name="x"))
    app = BearerMiddleware(
        Starlette(routes=[Route("/", endpoint)]), verifier=issuer.verifier(), optional=True
    )

    good = await client(app).get("/", headers=bearer(issuer.token()))
    anonymous = await client(app).get("/")

    assert (good.status_code, good.json(), anonymous.status_code) == (200, "x", 401)


async def test_scopes_that_the_application_grants_itself_open_no_decorated_endpoint() -> None:
    """An authentication middleware further inside replaces the user and its scopes."""

    async def replacing(scope: Any, receive: Any, send: Any) -> None:
        scope["user"], scope["auth"] = SimpleUser("root"), AuthCredentials(["read:contacts"])
        await Starlette(
            routes=[Route("/read_contacts", read_contacts), Route("/any_scope", any_scope)]
        )(scope, receive, send)

    app = BearerMiddleware(replacing, verifier=issuer.verifier())
    headers = bearer(issuer.token(scope="openid"))

    statuses = [
        (await client(app).get(path, headers=headers)).status_code
        for path in ("/read_contacts", "/any_scope")
    ]

    assert statuses == [403, 403]
