"""What `BearerPlugin` adds to the OpenAPI documentation of Litestar."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar import Litestar, get, websocket
from litestar.openapi import OpenAPIConfig
from litestar.openapi.spec import Components, Operation, Schema, SecurityScheme

from asgi_bearer.litestar import BearerPlugin, BearerWebSocket, scopes
from asgi_bearer.testing import FakeIssuer

verifier = FakeIssuer().verifier()


@get("/all", guards=[scopes("a", "b")])
async def all_scopes() -> None: ...


@get("/any", guards=[scopes("a", "b", any_of=True), scopes("c")])
async def any_scope() -> None: ...


@get("/token")
async def any_token() -> None: ...


@get("/open", exclude_from_auth=True)
async def open_handler() -> None: ...


@get("/own", guards=[scopes("a")], security=[{"other": []}])
async def own_security() -> None: ...


@websocket("/changes", guards=[scopes("a")])
async def changes(socket: BearerWebSocket) -> None: ...


TOKEN: dict[str, list[str]] = {"bearer": []}
OTHER: dict[str, list[str]] = {"other": []}


def schema(*handlers: Any, **arguments: Any) -> dict[str, Any]:
    app = Litestar(handlers, plugins=[BearerPlugin(verifier, **arguments)])
    return app.openapi_schema.to_schema()


@pytest.mark.parametrize(
    ("handler", "arguments", "security"),
    [
        pytest.param(all_scopes, {}, [{"bearer": ["a", "b"]}], id="all"),
        pytest.param(any_scope, {}, [{"bearer": ["a", "c"]}, {"bearer": ["b", "c"]}], id="any"),
        pytest.param(any_token, {}, [TOKEN], id="any token"),
        pytest.param(any_token, {"optional": True}, [TOKEN, {}], id="optional"),
        pytest.param(all_scopes, {"optional": True}, [{"bearer": ["a", "b"]}], id="not optional"),
        pytest.param(all_scopes, {"scopes": "z"}, [{"bearer": ["z", "a", "b"]}], id="every scope"),
        pytest.param(own_security, {}, [OTHER], id="the handler's own"),
    ],
)
def test_an_operation_names_its_scopes(
    handler: Any, arguments: dict[str, Any], security: list[Any]
) -> None:
    (item,) = schema(handler, **arguments)["paths"].values()

    assert item["get"]["security"] == security


def test_an_operation_names_the_refusals() -> None:
    document = schema(all_scopes)

    responses = document["paths"]["/all"]["get"]["responses"]
    assert sorted(responses) == ["200", "400", "401", "403", "503"]
    parts = document["components"]["responses"]
    headers = {
        status: set(parts[responses[status]["$ref"].rpartition("/")[2]]["headers"])
        for status in ("400", "401", "403", "503")
    }
    assert headers == {
        "400": {"WWW-Authenticate", "Cache-Control"},
        "401": {"WWW-Authenticate", "Cache-Control"},
        "403": {"WWW-Authenticate", "Cache-Control"},
        "503": {"Retry-After", "Cache-Control"},
    }
    assert all("application/problem+json" in part["content"] for part in parts.values())


def test_an_open_operation_has_neither() -> None:
    operation = schema(open_handler)["paths"]["/open"]["get"]

    assert "security" not in operation
    assert sorted(operation["responses"]) == ["200"]


def test_a_websocket_is_not_documented() -> None:
    assert schema(changes)["paths"] == {}


def test_the_security_scheme_may_say_where_a_token_comes_from() -> None:
    scheme = SecurityScheme(
        type="openIdConnect",
        open_id_connect_url="https://issuer.example/.well-known/openid-configuration",
    )

    plain, other = schema(any_token), schema(any_token, security_scheme=scheme)

    assert plain["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert other["components"]["securitySchemes"]["bearer"]["type"] == "openIdConnect"


@pytest.mark.parametrize("as_list", [False, True])
def test_the_components_of_the_application_stay(as_list: bool) -> None:
    components = Components(schemas={"Mine": Schema()}, security_schemes={})
    config = OpenAPIConfig(
        title="items", version="1", components=[components] if as_list else components
    )

    Litestar([any_token], openapi_config=config, plugins=[BearerPlugin(verifier)])

    assert config.components == ([components] if as_list else components)


def test_an_application_may_have_no_documentation() -> None:
    app = Litestar([any_token], openapi_config=None, plugins=[BearerPlugin(verifier)])

    assert app.openapi_config is None


@dataclass
class Own(Operation):
    """An operation class of the application."""

    x_mine: str | None = field(default=None, metadata={"alias": "x-mine"})

    def __post_init__(self) -> None:
        self.x_mine = "mine"


@get("/own-class", guards=[scopes("a")], operation_class=Own)
async def own_class() -> None: ...


def test_an_operation_class_of_the_application_stays() -> None:
    operation = schema(own_class)["paths"]["/own-class"]["get"]

    assert operation["x-mine"] == "mine"
    assert operation["security"] == [{"bearer": ["a"]}]
