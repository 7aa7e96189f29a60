"""What the tools of an MCP server learn about their caller, and what the guard refuses before."""

import asyncio
import importlib
import sys
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware, Principal, principal
from asgi_bearer.mcp import AccessTokenMiddleware
from asgi_bearer.testing import FakeIssuer
from tests.asgi_bearer.frameworks.mcp.servers import (
    INITIALIZE,
    MEDIA_TYPES,
    SERVERS,
    called,
    guarded,
    serving,
    session,
)
from tests.support.asgi import bearer, client, converse, handshake, http_scope, websocket_scope
from tests.support.published_keys import DOWN, Published

issuer = FakeIssuer()
each_server = pytest.mark.parametrize("make", SERVERS.values(), ids=SERVERS)


@each_server
@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_tool_sees_the_verified_token(make: Any, mode: str) -> None:
    app = guarded(make(), issuer)

    async with serving(app), session(app, issuer.token(act={"sub": "bob"}), mode) as mcp:
        seen = await called(mcp)

    assert seen["client_id"] == "web"
    assert seen["subject"] == "alice"
    assert seen["scopes"] == ["read:contacts"]
    assert seen["expires_at"] == issuer.claims()["exp"]
    assert seen["resource"] == issuer.audience
    assert seen["claims"] == issuer.claims(act={"sub": "bob"})


@each_server
async def test_a_stateless_server_shows_the_token_to_its_tools_too(make: Any) -> None:
    app = guarded(make(stateless_http=True), issuer)

    async with serving(app), session(app, issuer.token()) as mcp:
        seen = await called(mcp)

    assert seen["subject"] == "alice"


@each_server
async def test_the_token_itself_is_not_in_what_a_tool_gets(make: Any) -> None:
    token = issuer.token()
    app = guarded(make(), issuer)

    async with serving(app), session(app, token) as mcp:
        seen = await called(mcp)

    assert seen["token"].startswith("sha256:")
    assert token.rpartition(".")[2] not in str(seen)


@each_server
async def test_two_tokens_differ_in_what_fastmcp_caches_responses_by(make: Any) -> None:
    app = guarded(make(stateless_http=True), issuer)
    of_alice = issuer.token()
    seen: list[str] = []

    async with serving(app):
        for token in (of_alice, of_alice, issuer.token(sub="bob")):
            async with session(app, token) as mcp:
                seen.append((await called(mcp))["token"])

    assert seen[0] == seen[1] != seen[2]


@each_server
async def test_simultaneous_calls_keep_their_own_principals(make: Any) -> None:
    app = guarded(make(), issuer)

    async with (
        serving(app),
        session(app, issuer.token(sub="alice")) as one,
        session(app, issuer.token(sub="bob")) as other,
    ):
        seen = await asyncio.gather(called(one, "meet"), called(other, "meet"))

    assert [found["subject"] for found in seen] == ["alice", "bob"]


AUDIENCES = [
    pytest.param(issuer.audience, issuer.audience, id="one"),
    pytest.param([issuer.audience], issuer.audience, id="a list of one"),
    pytest.param(["account", issuer.audience], None, id="several"),
]


@pytest.mark.parametrize(("audience", "resource"), AUDIENCES)
async def test_the_resource_is_the_only_audience(audience: object, resource: str | None) -> None:
    app = guarded(SERVERS["sdk"](), issuer)

    async with serving(app), session(app, issuer.token(aud=audience), "auto") as mcp:
        assert (await called(mcp))["resource"] == resource


REFUSED = [
    pytest.param({}, 401, None, id="no token"),
    pytest.param(bearer(issuer.token(exp=1)), 401, 'error="invalid_token"', id="expired"),
    pytest.param(bearer("a b"), 400, 'error="invalid_request"', id="malformed"),
    pytest.param(bearer(issuer.token(scope="x")), 403, 'scope="read:contacts"', id="no scope"),
    pytest.param(
        bearer(issuer.token(sub=None, client_id=None)),
        403,
        'error="insufficient_scope"',
        id="no owner",
    ),
]


@each_server
@pytest.mark.parametrize(("headers", "status", "challenge"), REFUSED)
async def test_a_refusal_is_the_response_of_the_guard(
    make: Any, headers: dict[str, str], status: int, challenge: str | None
) -> None:
    app = guarded(make(), issuer, scopes={"read:contacts"})

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers | MEDIA_TYPES)

    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (challenge or 'realm="api"') in response.headers["www-authenticate"]


@each_server
async def test_the_refusal_of_head_has_no_body(make: Any) -> None:
    headers = bearer(issuer.token(sub=None, client_id=None))

    async with serving(guarded(make(), issuer)) as http:
        response = await http.head("/mcp", headers=headers)

    assert (response.status_code, response.content) == (403, b"")


@each_server
async def test_an_outage_of_the_keys_is_a_503(make: Any, published: Published) -> None:
    published.documents.documents = dict.fromkeys(published.documents.documents, DOWN)
    app = guarded(make(), published.issuer, verifier=published.verifier)
    headers = bearer(published.issuer.token()) | MEDIA_TYPES

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=headers)

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert "www-authenticate" not in response.headers


@pytest.mark.parametrize("claims", [{"sub": None}, {"client_id": None}], ids=["client", "subject"])
async def test_a_client_or_a_subject_alone_is_an_owner(claims: dict[str, None]) -> None:
    app = guarded(SERVERS["sdk"](), issuer)

    async with serving(app), session(app, issuer.token(**claims)) as mcp:
        seen = await called(mcp)

    assert (seen["client_id"], seen["subject"]) == (
        "" if "client_id" in claims else "web",
        None if "sub" in claims else "alice",
    )


async def test_the_issuer_in_the_claims_is_that_of_the_principal() -> None:
    class Custom:
        async def verify(self, _presented: object) -> Principal:
            return Principal("https://one.example", "alice", None, frozenset(), 1e10, {})

    app = guarded(SERVERS["sdk"](), issuer, verifier=Custom())

    async with serving(app), session(app, "opaque") as mcp:
        assert (await called(mcp))["claims"] == {"iss": "https://one.example"}


async def test_a_token_without_an_end_passes() -> None:
    """A custom verifier, such as one that introspects, may return an end that is infinite."""

    class Custom:
        async def verify(self, _presented: object) -> Principal:
            end = float("inf")
            return Principal("https://one.example", "alice", None, frozenset(), end, {})

    app = guarded(SERVERS["sdk"](), issuer, verifier=Custom())

    async with serving(app), session(app, "opaque") as mcp:
        assert (await called(mcp))["expires_at"] is None


async def test_anonymous_requests_have_no_access_token() -> None:
    app = guarded(SERVERS["sdk"](), issuer, public={"POST /mcp"})

    async with serving(app) as http:
        response = await http.post("/mcp", json=INITIALIZE, headers=MEDIA_TYPES)

    assert response.status_code == 200


async def test_the_application_still_finds_the_principal() -> None:
    found: list[Principal | None] = []

    async def app(scope: Any, _receive: Any, send: Any) -> None:
        found.append(principal(scope))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async with client(issuer.guard(AccessTokenMiddleware(app))) as http:
        await http.get("/", headers=bearer(issuer.token()))

    assert found[0] is not None
    assert found[0].subject == "alice"


async def test_a_websocket_passes_as_the_guard_left_it() -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        assert scope["user"].subject == "alice"
        await send({"type": "websocket.accept"})

    scope = websocket_scope(headers=bearer(issuer.token()))

    assert await handshake(issuer.guard(AccessTokenMiddleware(app)), scope) == [
        {"type": "websocket.accept"}
    ]


async def test_without_the_guard_no_request_passes() -> None:
    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError("the application was called")

    with pytest.raises(RuntimeError, match="inside a BearerMiddleware"):
        await converse(AccessTokenMiddleware(app), http_scope())


async def test_the_wrong_order_lets_no_request_pass() -> None:
    app = AccessTokenMiddleware(BearerMiddleware(SERVERS["sdk"](), verifier=issuer.verifier()))

    async with serving(app) as http:
        with pytest.raises(RuntimeError, match="inside a BearerMiddleware"):
            await http.post("/mcp", json=INITIALIZE, headers=bearer(issuer.token()) | MEDIA_TYPES)


def test_an_import_without_the_sdk_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp.server.auth.middleware.auth_context", None)
    monkeypatch.delitem(sys.modules, "asgi_bearer.mcp")

    with pytest.raises(ImportError, match="needs the MCP Python SDK: pip install"):
        importlib.import_module("asgi_bearer.mcp")
