"""The SDK's and FastMCP's own settings for authorization, behind the guard."""

import time
from typing import Any

import pytest
from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, RemoteAuthProvider, TokenVerifier, require_scopes
from fastmcp.server.dependencies import get_access_token
from mcp.server.auth.settings import AuthSettings
from pydantic import AnyHttpUrl
from starlette.applications import Starlette

from asgi_bearer.mcp import GuardedTokens
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.mcp.servers import (
    INITIALIZE,
    MEDIA_TYPES,
    ORIGIN,
    URL,
    called,
    guarded,
    sdk_server,
    serving,
    session,
)
from tests.support.asgi import bearer
from tests.support.published_keys import DOWN, Published

# The SDK compares the end of a token with the real time.
issuer = FakeIssuer(audience=URL, clock=time.time)
METADATA = f"{ORIGIN}/.well-known/oauth-protected-resource/mcp"


class OfTheGuard(TokenVerifier):
    """`GuardedTokens` for FastMCP, as docs/frameworks/mcp.md shows it."""

    async def verify_token(self, token: str) -> AccessToken | None:
        return get_access_token() if await GuardedTokens().verify_token(token) else None


def sdk_with_settings(**changes: Any) -> Starlette:
    """Return a server of the SDK with a verifier and settings of its own."""
    settings: dict[str, Any] = {
        "issuer_url": issuer.issuer,
        "resource_server_url": URL,
        "validate_token_resource": True,
        "required_scopes": ["read:contacts"],
        **changes,
    }
    auth = AuthSettings(**settings)
    return sdk_server(settings={"token_verifier": GuardedTokens(), "auth": auth})


def fastmcp_with_settings() -> Starlette:
    """Return a server of FastMCP with a verifier and settings of its own."""
    auth = RemoteAuthProvider(
        token_verifier=OfTheGuard(required_scopes=["read:contacts"]),
        authorization_servers=[AnyHttpUrl(issuer.issuer)],
        base_url=ORIGIN,
    )
    server = FastMCP("contacts", auth=auth)

    @server.tool
    async def who() -> dict[str, Any]:
        token = get_access_token()
        return token.model_dump() if token else {}

    return server.http_app()


each_server = pytest.mark.parametrize(
    "make", [sdk_with_settings, fastmcp_with_settings], ids=["sdk", "fastmcp"]
)


@each_server
async def test_a_tool_sees_what_the_guard_has_verified(make: Any) -> None:
    app = guarded(make(), issuer, optional=True)

    async with serving(app), session(app, issuer.token()) as mcp:
        assert (await called(mcp))["subject"] == "alice"


@each_server
async def test_a_request_without_a_token_is_shown_the_way_to_the_metadata(make: Any) -> None:
    app = guarded(make(), issuer, optional=True)

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=MEDIA_TYPES)
        metadata = await http.get(METADATA)

    assert response.status_code == 401
    assert f'resource_metadata="{METADATA}"' in response.headers["www-authenticate"]
    assert metadata.json()["authorization_servers"] == [issuer.issuer]


REFUSED = [
    pytest.param({"exp": 1}, 401, "expired", id="expired"),
    pytest.param({"aud": "https://other.example"}, 401, "not valid", id="another audience"),
    pytest.param({"scope": "x"}, 403, "Required scope", id="no scope"),
]


@each_server
@pytest.mark.parametrize(("claims", "status", "reason"), REFUSED)
async def test_a_bad_token_is_refused(
    make: Any, claims: dict[str, object], status: int, reason: str
) -> None:
    app = guarded(make(), issuer, optional=True)
    headers = bearer(issuer.token(**claims)) | MEDIA_TYPES

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == status
    assert reason in response.text


@each_server
async def test_an_outage_of_the_keys_stays_a_503(make: Any, published: Published) -> None:
    published.documents.documents = dict.fromkeys(published.documents.documents, DOWN)
    app = guarded(make(), issuer, verifier=published.verifier, optional=True)
    headers = bearer(published.issuer.token()) | MEDIA_TYPES

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == 503
    assert "retry-after" in response.headers


async def test_the_sdk_compares_the_resource_of_the_token() -> None:
    other = sdk_with_settings(resource_server_url=f"{ORIGIN}/other")
    headers = bearer(issuer.token()) | MEDIA_TYPES

    async with serving(guarded(other, issuer, optional=True)) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == 401


@each_server
async def test_without_the_guard_a_good_token_is_refused(make: Any) -> None:
    headers = bearer(issuer.token()) | MEDIA_TYPES

    async with serving(make()) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == 401


@each_server
async def test_a_token_on_a_public_path_is_not_taken_for_verified(make: Any) -> None:
    app = guarded(make(), issuer, public={"/mcp"})
    headers = bearer(issuer.token()) | MEDIA_TYPES

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == 401


async def test_another_token_than_that_of_the_request_is_not_verified() -> None:
    found: list[object] = []

    class Asked(GuardedTokens):
        async def verify_token(self, token: str) -> Any:
            found.append(await super().verify_token(issuer.token(sub="bob")))
            return await super().verify_token(f" {token}")

    app = guarded(
        sdk_server(
            settings={
                "token_verifier": Asked(),
                "auth": AuthSettings(issuer_url=AnyHttpUrl(ORIGIN), resource_server_url=None),
            }
        ),
        issuer,
    )

    async with serving(app), session(app, issuer.token(), "auto") as mcp:
        assert (await called(mcp))["subject"] == "alice"

    assert set(found) == {None}


async def test_scopes_of_one_tool_of_fastmcp() -> None:
    server = FastMCP("contacts")

    @server.tool(auth=require_scopes("write:contacts"))
    async def delete() -> str:
        return "deleted"

    app = guarded(server.http_app(), issuer)

    async with serving(app):
        async with session(app, issuer.token()) as reader:
            assert (await reader.list_tools()).tools == []
        async with session(app, issuer.token(scope="write:contacts")) as writer:
            assert [tool.name for tool in (await writer.list_tools()).tools] == ["delete"]
