"""Litestar: scopes as guards, with the plugin, the middleware inside and the middleware outside."""

from collections.abc import Callable
from typing import Any

import pytest
from litestar import Controller, Litestar, Response, Router, asgi, get, websocket
from litestar.middleware import DefineMiddleware
from litestar.types import Receive, Scope, Send

from asgi_bearer import Anonymous, BearerMiddleware
from asgi_bearer.litestar import BearerPlugin, BearerRequest, BearerWebSocket, Refused, scopes
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.served import WEBSOCKETS, denial, first_message, served
from tests.support.asgi import answer_ok, bearer, client, handshake, websocket_scope
from tests.support.published_keys import Published

issuer = FakeIssuer()
verifier = issuer.verifier()


@get("/handler", guards=[scopes("read:items")])
async def handler(request: BearerRequest) -> str:
    return str(request.user.subject)


@get("/sync", guards=[scopes("read:items")], sync_to_thread=True)
def sync(request: BearerRequest) -> str:
    return str(request.auth.subject)


class Items(Controller):
    """A controller with a guard."""

    path = "/controller"
    guards = [scopes("read:items")]  # noqa: RUF012 - as Litestar documents controllers

    @get()
    async def listed(self) -> str:
        return "items"


@get("/")
async def within_router() -> str:
    return "items"


@get("/all", guards=[scopes("read:items", "write:items")])
async def all_scopes() -> str:
    return "items"


@get("/layers", guards=[scopes("write:items")])
async def layers() -> str:
    return "items"


@get("/any", guards=[scopes("read:items", "write:items", any_of=True)])
async def any_scope() -> str:
    return "items"


@get("/no-names", guards=[scopes()])
async def no_names() -> str:
    return "items"


@websocket("/changes", guards=[scopes("read:items")])
async def changes(socket: BearerWebSocket) -> None:
    await socket.accept()
    await socket.send_text(str(socket.user.subject))
    await socket.close()


HANDLERS: list[Any] = [
    handler,
    sync,
    Items,
    Router("/router", route_handlers=[within_router], guards=[scopes("read:items")]),
    Router("/outer", route_handlers=[layers], guards=[scopes("read:items")]),
    all_scopes,
    any_scope,
    no_names,
    changes,
]


def with_plugin() -> Any:
    return Litestar(HANDLERS, plugins=[BearerPlugin(verifier, realm="items")])


def with_middleware() -> Any:
    middleware: Any = BearerMiddleware
    return Litestar(
        HANDLERS, middleware=[DefineMiddleware(middleware, verifier=verifier, realm="items")]
    )


def with_guard_outside() -> Any:
    return BearerMiddleware(Litestar(HANDLERS), verifier=verifier, realm="items")


PLACES = [with_plugin, with_middleware, with_guard_outside]
places = pytest.mark.parametrize("application", PLACES)


@places
@pytest.mark.parametrize(
    ("path", "scope", "status"),
    [
        *(
            pytest.param(path, scope, status, id=f"{path} with {scope}")
            for path in ("/handler", "/sync", "/controller", "/router", "/any")
            for scope, status in (("read:items", 200), ("openid", 403), ("READ:items", 403))
        ),
        pytest.param("/any", "write:items", 200, id="any: the other one"),
        pytest.param("/all", "read:items", 403, id="all: one of two"),
        pytest.param("/all", "read:items write:items", 200, id="all"),
        pytest.param("/outer/layers", "write:items", 403, id="the scope of the router is missing"),
        pytest.param("/outer/layers", "read:items", 403, id="the scope of the handler is missing"),
        pytest.param("/outer/layers", "read:items write:items", 200, id="both layers"),
        pytest.param("/no-names", "openid", 200, id="no scopes"),
    ],
)
async def test_a_handler_requires_the_scopes_of_all_its_layers(
    application: Callable[[], Any], path: str, scope: str, status: int
) -> None:
    response = await client(application()).get(path, headers=bearer(issuer.token(scope=scope)))

    assert response.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param({"authorization": "Bearer  "}, 400, id="malformed"),
        pytest.param(bearer(issuer.token(exp=1)), 401, id="expired"),
        pytest.param(bearer(issuer.token(aud="https://other.example")), 401, id="other audience"),
        pytest.param(bearer(issuer.token(scope="openid")), 403, id="too little scope"),
    ],
)
async def test_with_the_plugin_a_refusal_is_the_guards(
    headers: dict[str, str], status: int
) -> None:
    guard = issuer.guard(answer_ok, scopes="read:items", realm="items")

    refused = await client(with_plugin()).get("/handler", headers=headers)
    expected = await client(guard).get("/handler", headers=headers)

    assert refused.status_code == expected.status_code == status
    assert refused.content == expected.content
    assert dict(refused.headers) == dict(expected.headers)


@pytest.mark.parametrize("application", [with_middleware, with_guard_outside])
async def test_without_the_plugin_a_refusal_has_the_status_and_the_headers_of_the_guard(
    application: Callable[[], Any],
) -> None:
    headers = bearer(issuer.token(scope="openid"))

    refused = await client(application()).get("/handler", headers=headers)
    expected = await client(with_plugin()).get("/handler", headers=headers)

    assert refused.status_code == expected.status_code == 403
    for name in ("www-authenticate", "cache-control", "access-control-expose-headers"):
        assert refused.headers[name] == expected.headers[name]
    assert refused.json()["detail"] == expected.json()["detail"]


async def test_an_outage_of_the_keys_is_503(published: Published) -> None:
    published.documents.documents.clear()
    app: Any = Litestar([handler], plugins=[BearerPlugin(published.verifier)])

    response = await client(app).get("/handler", headers=bearer(published.issuer.token()))

    assert response.status_code == 503
    assert "retry-after" in response.headers
    assert "www-authenticate" not in response.headers


@places
@pytest.mark.parametrize("ws", WEBSOCKETS)
async def test_a_refused_websocket_is_an_http_response(
    application: Callable[[], Any], ws: str
) -> None:
    async with served(application(), ws=ws) as authority:
        url = f"ws://{authority}/changes"
        anonymous = await denial(url, {})
        refused = await denial(url, bearer(issuer.token(scope="openid")))
        accepted = await first_message(url, bearer(issuer.token(scope="read:items")))

    assert anonymous.status_code == 401
    assert refused.status_code == 403
    assert 'scope="read:items"' in refused.headers["www-authenticate"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.body is not None
    assert b"insufficient_scope" in refused.body
    assert accepted == "alice"


@places
async def test_a_websocket_is_closed_if_the_server_cannot_send_a_response(
    application: Callable[[], Any],
) -> None:
    scope = websocket_scope("/changes", bearer(issuer.token(scope="openid")), denial=False)

    sent = await handshake(application(), scope)

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


async def test_a_guard_of_the_application_protects_every_handler() -> None:
    app: Any = Litestar(
        [within_router], guards=[scopes("read:items")], plugins=[BearerPlugin(verifier)]
    )

    response = await client(app).get("/", headers=bearer(issuer.token(scope="openid")))

    assert response.status_code == 403


async def test_without_a_guard_nothing_passes() -> None:
    app: Any = Litestar([handler, changes])
    token = bearer(issuer.token(scope="read:items"))

    response = await client(app).get("/handler", headers=token)
    sent = await handshake(app, websocket_scope("/changes", token))

    assert response.status_code == 500
    assert [message["type"] for message in sent] == ["websocket.close"]


@get("/open", exclude_from_auth=True)
async def open_handler(request: BearerRequest) -> bool:
    return isinstance(request.user, Anonymous)


@get("/contradiction", exclude_from_auth=True, guards=[scopes()])
async def contradiction() -> None: ...


@asgi("/mounted", is_mount=True, copy_scope=True)
async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
    await answer_ok(scope, receive, send)


async def test_a_handler_may_be_excluded_from_authentication() -> None:
    app: Any = Litestar(
        [open_handler, contradiction, mounted],
        plugins=[BearerPlugin(verifier)],
    )
    requests = client(app)

    answers = {path: await requests.get(path) for path in ("/open", "/contradiction")}
    # Litestar gives a mounted application the rest of the path.
    within = await requests.get("/mounted/open")

    assert answers["/open"].json() is True
    assert answers["/contradiction"].status_code == 401
    assert within.status_code == 401


async def test_the_plugin_passes_arguments_to_the_guard() -> None:
    app: Any = Litestar([within_router], plugins=[BearerPlugin(verifier, scopes="read:items")])

    response = await client(app).get("/", headers=bearer(issuer.token(scope="openid")))

    assert response.status_code == 403


async def test_the_plugin_fetches_the_keys_at_startup(published: Published) -> None:
    app = Litestar([handler], plugins=[BearerPlugin(published.verifier)])

    for _ in range(2):
        async with served(app):
            pass

    assert published.fetches >= 1


async def test_a_verifier_without_keys_needs_no_start() -> None:
    class Custom:
        verify = verifier.verify

    app = Litestar([handler], plugins=[BearerPlugin(Custom())])

    async with served(app) as authority:
        assert authority


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"realm": ""}, id="realm"),
        pytest.param({"scopes": "two names"}, id="scopes"),
        pytest.param({"optional": True, "scopes": "read:items"}, id="contradiction"),
    ],
)
def test_the_plugin_refuses_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        BearerPlugin(verifier, **arguments)


@pytest.mark.parametrize(
    ("names", "any_of", "message"),
    [
        pytest.param(["two names"], False, "not one scope name", id="two names"),
        pytest.param([], True, "at least one scope", id="nothing to choose from"),
    ],
)
def test_wrong_scopes_are_refused(names: list[str], any_of: bool, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scopes(*names, any_of=any_of)


def test_an_application_has_its_own_answer_to_refused() -> None:
    def own(_request: Any, _exc: Exception) -> Response[str]:
        return Response("own")

    app: Any = Litestar(
        [handler], plugins=[BearerPlugin(verifier)], exception_handlers={Refused: own}
    )

    assert app.exception_handlers[Refused] is own
