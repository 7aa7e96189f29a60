"""The OpenAPI document describes exactly what the API does."""

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from resource_api.openapi import document
from resource_api.settings import Settings
from tests.resource_api.conftest import Api

Json = dict[str, Any]


def operations(described: Json) -> dict[tuple[str, str], Json]:
    """Return the operations of the document by method and path."""
    return {
        (method.upper(), path): operation
        for path, item in described["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def resolved(described: Json, schema: Json) -> Json:
    """Return the schema, or the one that it refers to."""
    if "$ref" not in schema:
        return schema
    found: Json = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


TYPES = {
    "string": str,
    "integer": int,
    "number": int | float,
    "null": type(None),
    "object": dict,
    "array": list,
}


def is_of_type(value: object, name: str) -> bool:
    """Return whether the value has this JSON Schema type."""
    return isinstance(value, TYPES[name])


def check(described: Json, schema: Json, value: Any) -> None:
    """Check a value against a schema; it knows the keywords that the document uses."""
    schema = resolved(described, schema)
    members: dict[str, Json] = schema.get("properties", {})
    types: list[str] = schema.get("type", [])
    if "anyOf" in schema:
        assert any(is_valid(described, choice, value) for choice in schema["anyOf"])
    assert value == schema.get("const", value)
    assert value in schema.get("enum", [value])
    assert not types or any(is_of_type(value, name) for name in TYPES if name in types)
    if "properties" in schema:
        assert set(schema.get("required", [])) <= set(value)
        assert schema.get("additionalProperties", True) or set(members) >= set(value)
        for name in set(value) & set(members):
            check(described, members[name], value[name])
    if "items" in schema:
        for item in value:
            check(described, schema["items"], item)


def is_valid(described: Json, schema: Json, value: Any) -> bool:
    """Return whether `check` finds no fault."""
    try:
        check(described, schema, value)
    except AssertionError:
        return False
    return True


def test_the_check_finds_an_answer_that_does_not_match(settings: Settings) -> None:
    described: Any = document(settings)
    contact = {"id": "1", "name": "B", "email": None, "phone": "1", "note": None}
    contact |= {"created_at": "t", "updated_at": "t"}
    schema = {"$ref": "#/components/schemas/Contact"}

    assert is_valid(described, schema, contact)
    for change in ({"email": 1}, {"more": "x"}, {"name": None}):
        assert not is_valid(described, schema, {**contact, **change})
    assert not is_valid(described, schema, {"id": "1"})


@pytest.fixture
async def described(api: Api) -> Json:
    answer = await api.client.get("/openapi.json")
    assert answer.status_code == 200
    found: Json = answer.json()
    return found


async def test_a_cache_must_revalidate_the_document(api: Api) -> None:
    answer = await api.client.get("/openapi.json")

    assert answer.headers["cache-control"] == "no-cache"


async def test_the_document_describes_every_route_and_nothing_else(
    api: Api, described: Json
) -> None:
    assert isinstance(api.app, Starlette)
    routes = {
        (method, route.path)
        for route in api.app.routes
        if isinstance(route, Route)
        for method in route.methods or ()
    }

    documented = set(operations(described))
    documented |= {("HEAD", path) for method, path in documented if method == "GET"}

    assert documented == routes


async def test_an_operation_needs_the_scope_that_the_document_names(
    api: Api, described: Json
) -> None:
    for (method, path), operation in operations(described).items():
        found = await api.client.request(method, path, headers=api.caller(scope="none"))

        scopes = {scope for scheme in operation["security"] for (scope,) in scheme.values()}
        if scopes:
            assert found.status_code == 403
            assert found.headers["www-authenticate"].endswith(f'scope="{scopes.pop()}"')
        else:
            assert found.status_code == 200


async def test_answers_match_their_schemas(api: Api, described: Json) -> None:
    path = await api.create("Bob", email="bob@example.org")
    await api.create("Eve")
    json = {"json": {"name": "Robert"}}
    exchanges: list[tuple[str, str, Json]] = [
        ("GET", "/contacts?limit=1", {}),
        ("GET", "/contacts?limit=x", {}),
        ("POST", "/contacts", json),
        ("POST", "/contacts", {"json": {}}),
        ("POST", "/contacts", {"content": b"{}"}),
        ("POST", "/contacts", {"content": b"x" * 70_000, "headers": {"content-type": JSON}}),
        ("GET", path, {}),
        ("GET", path, {"headers": {"if-none-match": "*"}}),
        ("PUT", path, json),
        ("PUT", path, {**json, "headers": {"if-match": '"1"'}}),
        ("PUT", path[:-1], json),
        ("DELETE", path, {"headers": {"if-match": '"1"'}}),
        ("DELETE", path, {"headers": {"authorization": "Bearer x"}}),
        ("DELETE", path, {}),
        ("DELETE", path, {}),
        ("GET", "/healthz", {}),
        ("GET", "/readyz", {}),
        ("GET", "/openapi.json", {}),
    ]
    described_operations = operations(described)

    for method, address, arguments in exchanges:
        answer = await api.request(method, address, **arguments)

        template = "/contacts/{contact_id}" if address.count("/") == 2 else address.split("?")[0]
        responses = described_operations[method, template]["responses"]
        check_answer(described, responses[str(answer.status_code)], answer)


JSON = "application/json"


def check_answer(described: Json, response: Json, answer: httpx.Response) -> None:
    """Check the headers and the body of an answer."""
    for name in set(response.get("headers", {})) - {"Link"}:
        assert name in answer.headers
    if "content" in response:
        content = response["content"][answer.headers["content-type"]]
        check(described, content["schema"], answer.json())
    else:
        assert answer.content == b""


def test_the_document_names_the_issuers_metadata_only_if_the_api_uses_it(
    settings: Settings,
) -> None:
    discovered = document(settings)
    without_discovery = document(
        settings.model_copy(update={"jwks_uri": "https://issuer.example/keys"})
    )

    schemes: Any = discovered["components"]
    assert schemes["securitySchemes"]["openid"]["openIdConnectUrl"] == (
        "https://issuer.example/.well-known/openid-configuration"
    )
    assert "openid" not in str(without_discovery)
