"""`BearerAuth` in FastAPI: a 403 names the scopes of all dependencies around an operation."""

import logging
import re
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Security
from starlette.applications import Starlette
from starlette.routing import Mount

from asgi_bearer import Principal
from asgi_bearer.fastapi import BearerAuth
from asgi_bearer.guard.operation_scopes import OperationScopes
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import bearer, client, handshake, websocket_scope

issuer = FakeIssuer()
auth = BearerAuth(issuer.verifier())

ADMIN = [Security(auth, scopes=["admin:items"])]
BOTH = "admin:items read:items"

Reader = Annotated[Principal, Security(auth, scopes=["read:items"])]


async def read(reader: Reader) -> str:
    return "items"


async def read_optional(
    reader: Annotated[Principal | None, Security(auth.optional, scopes=["read:items"])],
) -> str:
    return "items"


def router(path: str = "/items", endpoint: Any = read, **arguments: Any) -> APIRouter:
    layers = APIRouter(prefix="/admin", dependencies=ADMIN)
    layers.get(path, **arguments)(endpoint)
    return layers


def application(included: APIRouter, **arguments: Any) -> FastAPI:
    app = FastAPI()
    app.include_router(included, **arguments)
    return app


def named(response: httpx.Response) -> str:
    found = re.search('scope="([^"]*)"', response.headers["www-authenticate"])
    assert found is not None
    return found[1]


async def named_at(app: Any, path: str, scope: str = "openid", method: str = "GET") -> str:
    response = await client(app).request(method, path, headers=bearer(issuer.token(scope=scope)))
    assert response.status_code == 403
    return named(response)


async def test_a_client_that_asks_for_what_the_challenge_names_is_accepted() -> None:
    app = application(router())

    needed = await named_at(app, "/admin/items")
    response = await client(app).get("/admin/items", headers=bearer(issuer.token(scope=needed)))

    assert (needed, response.status_code) == (BOTH, 200)


@pytest.mark.parametrize("granted", ["openid", "admin:items", "read:items"])
async def test_the_challenge_is_the_same_whichever_layer_refuses(granted: str) -> None:
    assert await named_at(application(router()), "/admin/items", granted) == BOTH


def mounted() -> FastAPI:
    outer = FastAPI()
    outer.mount("/tenants/{tenant}", application(router("/items/{id}")))
    return outer


def beside() -> FastAPI:
    layers = router("/items/{id}")
    layers.get("/items/me", dependencies=[Security(auth, scopes=["me"])])(read)
    return application(layers)


def included_with_dependency() -> FastAPI:
    inner = APIRouter()
    inner.get("/items")(read)
    return application(inner, prefix="/admin", dependencies=ADMIN)


@pytest.mark.parametrize(
    ("app", "path", "expected"),
    [
        pytest.param(application(router("/{id}")), "/admin/1", BOTH, id="parameter"),
        pytest.param(application(router("/{id:path}")), "/admin/a/{id}", BOTH, id="path parameter"),
        pytest.param(application(router(), prefix="/v1"), "/v1/admin/items", BOTH, id="prefix"),
        pytest.param(included_with_dependency(), "/admin/items", BOTH, id="include_router"),
        pytest.param(mounted(), "/tenants/one/admin/items/1", BOTH, id="mounted"),
        pytest.param(
            Starlette(routes=[Mount("/part", application(router()))]),
            "/part/admin/items",
            BOTH,
            id="mounted in Starlette",
        ),
        pytest.param(application(router(endpoint=read_optional)), "/admin/items", BOTH,
                     id="optional"),
        pytest.param(beside(), "/admin/items/me", BOTH, id="parameter with the name of a sibling"),
    ],
)  # fmt: skip
async def test_the_operation_of_the_request_is_found(app: Any, path: str, expected: str) -> None:
    assert await named_at(app, path) == expected


async def test_a_path_without_parameters_is_not_mistaken_for_one_with_them() -> None:
    layers = APIRouter(prefix="/admin", dependencies=ADMIN)
    layers.get("/items/me", dependencies=[Security(auth, scopes=["me"])])(read)
    layers.get("/items/{id}")(read)

    app = application(layers)

    assert await named_at(app, "/admin/items/me") == "admin:items me read:items"
    assert await named_at(app, "/admin/items/1") == BOTH


async def test_the_scopes_of_another_scheme_are_not_named() -> None:
    partners = BearerAuth(issuer.verifier(), scheme_name="partners")
    app = application(router(dependencies=[Security(partners, scopes=["partner"])]))

    assert await named_at(app, "/admin/items") == BOTH


async def test_an_operation_that_openapi_does_not_list_names_one_layer() -> None:
    app = application(router(include_in_schema=False))

    assert await named_at(app, "/admin/items") == "admin:items"
    assert await named_at(app, "/admin/items", "admin:items") == "read:items"


async def test_another_route_with_the_same_path_does_not_change_the_challenge() -> None:
    app = FastAPI()
    app.get("/items", dependencies=ADMIN)(read)
    app.get("/items", dependencies=[Security(auth, scopes=["unused"])])(read)

    assert await named_at(app, "/items") == "admin:items"


async def test_a_websocket_names_the_scopes_of_the_layer_that_refuses() -> None:
    app = FastAPI()

    @app.websocket("/changes", dependencies=ADMIN)
    async def changes(reader: Reader) -> None:
        """Not reached."""

    headers = bearer(issuer.token(scope="openid"))
    start, _ = await handshake(app, websocket_scope("/changes", headers))

    challenge = dict(start["headers"])[b"www-authenticate"]
    assert (start["status"], b'scope="admin:items"' in challenge) == (403, True)


async def test_any_of_names_its_choice_and_what_the_operation_needs_besides(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")
    choice = Depends(auth.any_of("write:items", "own:items"))
    app = application(router(dependencies=[choice]))

    assert await named_at(app, "/admin/items", "admin:items") == f"{BOTH} write:items own:items"
    assert await named_at(app, "/admin/items", "own:items") == BOTH
    assert "needs admin:items read:items and one of write:items own:items, the token has" in (
        caplog.text
    )


async def test_the_log_names_all_scopes(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    await named_at(application(router()), "/admin/items")

    assert [record.getMessage() for record in caplog.records if record.name == "asgi_bearer"] == [
        "refused GET /admin/items: insufficient_scope: needs admin:items read:items, "
        "the token has openid"
    ]


class NoSchema:
    """A type that FastAPI cannot describe."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        from pydantic_core import core_schema

        return core_schema.is_instance_schema(cls)


async def test_if_openapi_cannot_be_made_one_layer_is_named_and_one_warning_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def create(reader: Reader, item: NoSchema) -> str:
        return "item"

    layers = router()
    layers.post("/items")(create)
    app = application(layers)

    assert await named_at(app, "/admin/items") == "admin:items"
    assert await named_at(app, "/admin/items") == "admin:items"
    assert caplog.text.count("the OpenAPI document cannot be made") == 1


async def test_only_the_first_refusal_makes_a_document() -> None:
    made: list[str] = []

    class Counted:
        @classmethod
        def __get_pydantic_json_schema__(cls, core: Any, handler: Any) -> Any:
            made.append("document")
            return {"type": "string"}

        @classmethod
        def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
            from pydantic_core import core_schema

            return core_schema.any_schema()

    async def create(reader: Reader, item: Counted) -> str:
        return "item"

    app = application(router("/create", create))
    headers = bearer(issuer.token(scope=BOTH))
    await client(app).get("/admin/create", headers=headers)
    before = len(made)
    await named_at(app, "/admin/create")
    first = len(made)
    await named_at(app, "/admin/create")

    assert before == 0
    assert len(made) == first > 0
    assert app.openapi_schema is None


async def test_refusals_at_the_same_time_make_one_document() -> None:
    operations = OperationScopes({"bearer"})
    made: list[str] = []

    def document() -> dict[str, Any]:
        made.append("document")
        return {"paths": {"/items": {"get": {"security": [{"bearer": ["read:items"]}]}}}}

    app = FastAPI()
    # Each request had seen that no document was read yet.
    found = [operations.read(app, document) for _ in range(2)]

    assert found == [{("GET", "/items"): ("read:items",)}] * 2
    assert made == ["document"]


async def test_a_route_that_is_added_after_a_refusal_is_refused() -> None:
    app = application(router())
    await named_at(app, "/admin/items")

    app.include_router(router("/later"))

    assert await named_at(app, "/admin/later") == "admin:items"


async def test_a_request_without_a_token_gets_no_scopes() -> None:
    response = await client(application(router())).get("/admin/items")

    assert (response.status_code, "scope" in response.headers["www-authenticate"]) == (401, False)


async def test_each_method_of_a_path_has_its_own_scopes() -> None:
    app = application(router())
    app.post("/admin/items", dependencies=[Security(auth, scopes=["write:items"]), *ADMIN])(read)

    assert await named_at(app, "/admin/items") == BOTH
    assert await named_at(app, "/admin/items", method="POST") == (
        "write:items admin:items read:items"
    )
