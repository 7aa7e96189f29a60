"""What `BearerOpenAPIHandler` says about the handlers of BlackSheep."""

from typing import Any

import pytest
from blacksheep import Application, Router
from blacksheep.server.authentication.basic import BasicAuthentication, BasicCredentials
from blacksheep.server.authorization import allow_anonymous, auth
from blacksheep.server.openapi.common import SecurityInfo
from essentials.secrets import Secret
from guardpost import Policy
from openapidocs.v3 import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - the package has no types
    Info,
    OpenIdConnectSecurity,
)

from asgi_bearer.blacksheep import BearerOpenAPIHandler, ScopesRequirement, use_bearer
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import client

DISCOVERY = "https://issuer.example/.well-known/openid-configuration"


TOKEN: list[dict[str, list[str]]] = [{"Bearer": []}]
OTHER: list[dict[str, list[str]]] = [{"other": []}]


async def document(**arguments: Any) -> Any:
    app = Application(router=Router())
    use_bearer(app, FakeIssuer().verifier()).add(
        Policy("readers", ScopesRequirement("a", "b", any_of=True), ScopesRequirement("c"))
    )
    docs = BearerOpenAPIHandler(info=Info("items", "1"), **arguments)
    docs.bind_app(app)
    router = app.router

    @router.get("/all")
    @auth("a b")
    async def all_scopes() -> str:
        return ""

    @router.get("/any")
    @auth("readers")
    async def any_scope() -> str:
        return ""

    @router.get("/token")
    async def any_token() -> str:
        return ""

    @router.get("/authenticated")
    @auth()
    async def authenticated() -> str:
        return ""

    @router.get("/open")
    @allow_anonymous()
    async def open_handler() -> str:
        return ""

    @docs(security=[SecurityInfo("other", [])])  # type: ignore[untyped-decorator]  # the package has no types
    @router.get("/own")
    @auth("a")
    async def own() -> str:
        return ""

    return (await client(app).get("/openapi.json")).json()


@pytest.mark.parametrize(
    ("path", "security"),
    [
        pytest.param("/all", [{"Bearer": ["a", "b"]}], id="all"),
        pytest.param("/any", [{"Bearer": ["a", "c"]}, {"Bearer": ["b", "c"]}], id="any"),
        pytest.param("/token", TOKEN, id="any token"),
        pytest.param("/authenticated", TOKEN, id="the policy authenticated"),
        pytest.param("/open", list[str](), id="anonymous"),
        pytest.param("/own", OTHER, id="the handler's own"),
    ],
)
async def test_an_operation_names_its_scopes(path: str, security: list[Any]) -> None:
    operation = (await document())["paths"][path]["get"]

    assert operation["security"] == security


async def test_an_operation_names_the_refusals() -> None:
    responses = (await document())["paths"]["/all"]["get"]["responses"]

    assert sorted(responses) == ["200", "400", "401", "403", "503"]
    assert set(responses["403"]["headers"]) == {"WWW-Authenticate", "Cache-Control"}
    assert set(responses["503"]["headers"]) == {"Retry-After", "Cache-Control"}
    assert "application/problem+json" in responses["401"]["content"]


async def test_an_anonymous_operation_has_none() -> None:
    responses = (await document())["paths"]["/open"]["get"]["responses"]

    assert sorted(responses) == ["200"]


async def test_the_security_scheme_asks_for_a_token() -> None:
    schemes = (await document())["components"]["securitySchemes"]

    assert schemes == {"Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}}


async def test_the_security_scheme_may_say_where_a_token_comes_from() -> None:
    schemes = {"Bearer": OpenIdConnectSecurity(open_id_connect_url=DISCOVERY)}

    found = (await document(security_schemes=schemes))["components"]["securitySchemes"]

    assert found == {"Bearer": {"type": "openIdConnect", "openIdConnectUrl": DISCOVERY}}


async def test_another_authentication_keeps_its_own_scheme() -> None:
    app = Application(router=Router())
    app.use_authentication().add(
        BasicAuthentication(BasicCredentials("alice", Secret("x" * 32, direct_value=True)))
    )
    use_bearer(app, FakeIssuer().verifier())
    BearerOpenAPIHandler(info=Info("items", "1")).bind_app(app)

    found = (await client(app).get("/openapi.json")).json()

    assert sorted(
        scheme["scheme"] for scheme in found["components"]["securitySchemes"].values()
    ) == [
        "basic",
        "bearer",
    ]


async def test_an_application_without_authorization_has_its_own_documentation() -> None:
    app = Application(router=Router())
    BearerOpenAPIHandler(info=Info("items", "1")).bind_app(app)

    @app.router.get("/items")
    @auth("a")
    async def items() -> str:
        return ""

    found = (await client(app).get("/openapi.json")).json()

    assert "securitySchemes" not in found["components"]
