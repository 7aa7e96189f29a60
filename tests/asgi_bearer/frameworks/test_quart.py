"""Quart: scopes of views, behind the guard."""

import threading
from typing import Any, ClassVar

import pytest
from quart import Blueprint, Quart, websocket
from quart.views import MethodView

from asgi_bearer import BearerMiddleware
from asgi_bearer.quart import principal, requires, requires_any
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.served import WEBSOCKETS, denial, first_message, served
from tests.support.asgi import answer_ok, bearer, client, handshake, websocket_scope

issuer = FakeIssuer()


class Items(MethodView):
    """A class view, one of whose methods has a requirement of its own."""

    decorators: ClassVar[list[Any]] = [requires("read:items")]

    async def get(self) -> str:
        return "items"

    @requires("write:items")
    async def post(self) -> str:
        return "created"


def quart() -> Quart:
    api = Quart(__name__)

    @api.get("/view")
    @requires("read:items")
    async def view() -> str:
        return str(principal().subject)

    @api.get("/sync/<name>")
    @requires("read:items")
    def sync(name: str) -> str:
        assert threading.current_thread() is not threading.main_thread()
        return f"{principal().subject} {name}"

    @api.get("/all")
    @requires("read:items", "write:items")
    async def all_scopes() -> str:
        return "items"

    @api.get("/any")
    @requires_any("read:items", "write:items")
    async def any_scope() -> str:
        return "items"

    @api.get("/no-names")
    @requires()
    async def no_names() -> str:
        return "items"

    @api.get("/open")
    async def open_view() -> str:
        return str(principal().subject)

    @api.websocket("/changes")
    @requires("read:items")
    async def changes() -> None:
        await websocket.send(str(principal().subject))

    blueprint = Blueprint("blueprint", __name__, url_prefix="/blueprint")

    @blueprint.before_request
    @blueprint.before_websocket
    @requires("read:items")
    async def check() -> None: ...

    @blueprint.get("/view")
    async def within() -> str:
        return "items"

    @blueprint.websocket("/changes")
    async def within_websocket() -> None:
        await websocket.send("changes")

    api.register_blueprint(blueprint)
    api.add_url_rule("/class", view_func=Items.as_view("items"))
    return api


def application(**arguments: Any) -> BearerMiddleware:
    return BearerMiddleware(quart(), verifier=issuer.verifier(), realm="items", **arguments)


@pytest.mark.parametrize(
    ("method", "path", "scope", "status"),
    [
        *(
            pytest.param("GET", path, scope, status, id=f"{path} with {scope}")
            for path in ("/view", "/sync/x", "/any", "/blueprint/view", "/class")
            for scope, status in (("read:items", 200), ("openid", 403), ("READ:items", 403))
        ),
        pytest.param("GET", "/any", "write:items", 200, id="any: the other one"),
        pytest.param("GET", "/all", "read:items", 403, id="all: one of two"),
        pytest.param("GET", "/all", "read:items write:items", 200, id="all"),
        pytest.param("GET", "/no-names", "openid", 200, id="no scopes"),
        pytest.param("POST", "/class", "read:items", 403, id="the scope of the method is missing"),
        pytest.param("POST", "/class", "write:items", 403, id="the scope of the class is missing"),
        pytest.param("POST", "/class", "read:items write:items", 200, id="both"),
    ],
)
async def test_a_view_requires_its_scopes(method: str, path: str, scope: str, status: int) -> None:
    response = await client(application()).request(
        method, path, headers=bearer(issuer.token(scope=scope))
    )

    assert response.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 401, id="no token"),
        pytest.param(bearer(issuer.token(scope="openid")), 403, id="too little scope"),
    ],
)
@pytest.mark.parametrize("path", ["/view", "/blueprint/view", "/class"])
async def test_a_refusal_is_the_guards(path: str, headers: dict[str, str], status: int) -> None:
    guard = issuer.guard(answer_ok, scopes="read:items", realm="items")

    refused = await client(application(optional=True, cache_control=False)).get(
        path, headers=headers
    )
    expected = await client(guard).get("/", headers=headers)

    assert refused.status_code == expected.status_code == status
    assert refused.content == expected.content
    assert dict(refused.headers) == {**expected.headers, "vary": "Authorization"}


async def test_a_view_knows_who_makes_the_request() -> None:
    headers = bearer(issuer.token(scope="read:items"))

    response = await client(application()).get("/sync/x", headers=headers)

    assert response.text == "alice x"


async def test_an_anonymous_request_has_no_principal(caplog: pytest.LogCaptureFixture) -> None:
    response = await client(application(optional=True)).get("/open")

    assert response.status_code == 500
    assert "the request is anonymous" in caplog.text


@pytest.mark.parametrize("ws", WEBSOCKETS)
@pytest.mark.parametrize("path", ["/changes", "/blueprint/changes"])
async def test_a_refused_websocket_is_an_http_response(path: str, ws: str) -> None:
    async with served(application(optional=True), ws=ws) as authority:
        url = f"ws://{authority}{path}"
        anonymous = await denial(url, {})
        refused = await denial(url, bearer(issuer.token(scope="openid")))
        accepted = await first_message(url, bearer(issuer.token(scope="read:items")))

    assert anonymous.status_code == 401
    assert refused.status_code == 403
    assert 'scope="read:items"' in refused.headers["www-authenticate"]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.body is not None
    assert b"insufficient_scope" in refused.body
    assert accepted in ("alice", "changes")


async def test_a_websocket_is_closed_if_the_server_cannot_send_a_response() -> None:
    scope = websocket_scope("/changes", bearer(issuer.token(scope="openid")), denial=False)

    sent = await handshake(application(), scope)

    assert [(message["type"], message["code"]) for message in sent] == [("websocket.close", 1008)]


async def test_without_a_guard_nothing_passes() -> None:
    token = bearer(issuer.token(scope="read:items"))

    response = await client(quart()).get("/view", headers=token)

    assert response.status_code == 500


@pytest.mark.parametrize(
    ("decorate", "names", "message"),
    [
        pytest.param(requires, ["two names"], "not one scope name", id="two names"),
        pytest.param(requires_any, [], "at least one scope", id="nothing to choose from"),
    ],
)
def test_wrong_scopes_are_refused(decorate: Any, names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        decorate(*names)


def test_a_class_view_is_not_decorated_itself() -> None:
    class View(MethodView):
        pass

    with pytest.raises(TypeError, match="decorators"):
        requires("read:items")(View)
