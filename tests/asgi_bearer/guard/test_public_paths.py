"""Public paths: exactly the paths that the operator named pass without a token."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import (
    RecordingApplication,
    bearer,
    client,
    converse,
    handshake,
    http_scope,
    websocket_scope,
)

issuer = FakeIssuer()
guarded = issuer.guard


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        pytest.param("GET", "/healthz", 200, id="public path"),
        pytest.param("POST", "/healthz", 200, id="public path, any method"),
        pytest.param("GET", "/docs", 200, id="public for GET"),
        pytest.param("HEAD", "/docs", 200, id="HEAD is GET without a body"),
        pytest.param("POST", "/docs", 401, id="not public for POST"),
        pytest.param("GET", "/healthz/", 401, id="final slash"),
        pytest.param("GET", "/healthz/../contacts", 401, id="dot segments"),
        pytest.param("GET", "//healthz", 401, id="two slashes"),
        pytest.param("GET", "/HEALTHZ", 401, id="other case"),
        pytest.param("GET", "/contacts?/healthz", 401, id="behind a question mark"),
        pytest.param("HEAD", "/head", 200, id="public for HEAD"),
        pytest.param("GET", "/head", 401, id="public for HEAD, not for GET"),
        pytest.param("OPTIONS", "/docs", 401, id="OPTIONS is another method"),
        pytest.param("TRACE", "/docs", 401, id="TRACE is another method"),
        pytest.param("CONNECT", "/docs", 401, id="CONNECT is another method"),
        pytest.param("get", "/docs", 401, id="method in lower case"),
        pytest.param("", "/docs", 401, id="empty method"),
        pytest.param("WebSocket", "/docs", 401, id="the method WebSocket"),
        pytest.param("/docs", "/head", 401, id="a path as method"),
    ],
)
async def test_only_the_listed_paths_and_methods_are_public(
    method: str, path: str, status: int
) -> None:
    app = guarded(public={"/healthz", "GET /docs", "HEAD /head"})
    scope = http_scope(method=method, path=path, query_string=b"/healthz")

    sent = await converse(app, scope)

    assert sent[0]["status"] == status


@pytest.mark.parametrize(
    ("path", "root_path", "raw_path", "status"),
    [
        pytest.param("/x/healthz", "/x", b"/x/healthz", 200, id="uvicorn --root-path"),
        pytest.param("/x//healthz", "/x/", b"/x//healthz", 200, id="uvicorn --root-path /x/"),
        pytest.param(
            "/x/healthz", "/x/", b"/x/healthz", 401, id="one slash missing after root_path"
        ),
        pytest.param("/x//healthz", "/x", b"/x//healthz", 401, id="two slashes after root_path"),
        pytest.param("/healthz", "/", b"/healthz", 200, id="root_path is a slash"),
        pytest.param(
            "//healthz", "/", b"//healthz", 200, id="root_path is a slash, two slashes in the path"
        ),
        pytest.param("/a/b/healthz", "/a/b", b"/a/b/healthz", 200, id="two segments"),
        pytest.param("/X/healthz", "/x", b"/X/healthz", 401, id="root_path in another case"),
        pytest.param("/%78/healthz", "/%78", b"/%78/healthz", 200, id="root_path with an escape"),
        pytest.param("/x/healthz", "/x", b"/healthz", 200, id="raw_path without root_path"),
        pytest.param("/healthz", "/x", b"/healthz", 200, id="path without root_path"),
        pytest.param("/healthz", "/x", b"/x/healthz", 200, id="only raw_path with root_path"),
        pytest.param("/é/healthz", "/é", b"/%C3%A9/healthz", 200, id="root_path outside ASCII"),
        pytest.param("/x/healthz", "/x", None, 200, id="no raw_path"),
        pytest.param("/x/healthz", "", b"/x/healthz", 401, id="no root_path"),
        pytest.param("/xhealthz", "/x", b"/xhealthz", 401, id="no slash after root_path"),
        pytest.param("/x", "/x", b"/x", 401, id="only root_path"),
        pytest.param("/healthz", "/healthz", b"/healthz", 401, id="the path is root_path"),
        pytest.param("/x/contacts", "/x", b"/x/contacts", 401, id="another path"),
        pytest.param("/x/x/healthz", "/x", b"/x/x/healthz", 401, id="root_path twice"),
        pytest.param("/healthz", "", b"/%68ealthz", 401, id="a needless escape"),
        pytest.param("/healthz", "", b"/healthz%2e", 401, id="another path by raw_path"),
        pytest.param("/healthz", "", b"/%2Fhealthz", 401, id="an escaped slash"),
        pytest.param("/healthz", "", b"//healthz", 401, id="two slashes by raw_path"),
        pytest.param("/healthz", "", b"/contacts/healthz", 401, id="a folder by raw_path"),
        pytest.param("/healthz", "", b"", 401, id="raw_path empty"),
        pytest.param("/healthz", "", "/healthz", 401, id="raw_path a string"),
        pytest.param("/healthz", "", b"/healthz?x=/y", 200, id="raw_path with the query"),
        pytest.param("/x/healthz", "/x", b"/%78/healthz", 401, id="root_path escaped"),
        pytest.param("/é-path", "", b"/%C3%A9-path", 200, id="a needed escape"),
        pytest.param("/é-path", "", b"/%c3%a9-path", 200, id="a needed escape in lower case"),
        pytest.param("/\ufffd-path", "", b"/%e9-path", 401, id="not UTF-8"),
        pytest.param("/a b", "", b"/a%20b", 200, id="an escaped space"),
        pytest.param("/a;b=(c)", "", b"/a;b=(c)", 200, id="characters that need no escape"),
        pytest.param("/a;b=(c)", "", b"/a%3Bb=(c)", 401, id="a needless escape of a semicolon"),
        pytest.param("/100%", "", b"/100%25", 200, id="an escaped per cent"),
        pytest.param("/100%", "", b"/100%", 200, id="a per cent as it is"),
        pytest.param("/100%", "", b"/100%2525", 401, id="escaped twice"),
        pytest.param("/a|b", "", b"/a|b", 200, id="a bar without an escape, as browsers send it"),
        pytest.param("/a|b", "", b"/a%7Cb", 200, id="a bar with an escape"),
        pytest.param("/é-path", "", "/é-path".encode(), 200, id="UTF-8 without escapes"),
        pytest.param("/é-path", "", b"/%C3%A9%2Dpath", 401, id="a needed and a needless escape"),
        pytest.param("/healthz", "", b"/healthz;a=b", 401, id="parameters after a semicolon"),
        pytest.param("/healthz", "", b"/./healthz", 401, id="a dot segment by raw_path"),
        pytest.param("/healthz", "", b"/x/../healthz", 401, id="two dots by raw_path"),
        pytest.param("/healthz", "", b"http://api.example/healthz", 401, id="a whole URL"),
        pytest.param("/healthz", "/x", b"/x/x/healthz", 401, id="root_path twice by raw_path"),
        pytest.param("/healthz", "", b"/healthz%", 401, id="half an escape"),
        pytest.param("/healthz", "", b"/healthz\xff", 401, id="a byte that is not UTF-8"),
        pytest.param("/healthz", "", bytearray(b"/healthz"), 401, id="a byte array"),
        pytest.param("/healthz", "", 7, 401, id="a number"),
        pytest.param("/healthz", None, b"/healthz", 200, id="root_path none"),
        pytest.param("/healthz", b"/x", b"/healthz", 401, id="root_path as bytes"),
        pytest.param("/\ud800", "", b"/%ED%A0%80", 401, id="a surrogate"),
        pytest.param(b"/healthz", "", b"/healthz", 401, id="the path as bytes"),
        pytest.param(None, "", b"/healthz", 401, id="the path none"),
    ],
)
async def test_a_public_path_is_compared_with_the_path_that_the_application_routes(
    path: Any, root_path: Any, raw_path: Any, status: int
) -> None:
    public = {"/healthz", "/é-path", "/\ufffd-path", "/a b", "/a;b=(c)", "/100%", "/a|b"}
    scope = {**http_scope(), "path": path, "root_path": root_path, "raw_path": raw_path}

    sent = await converse(guarded(public=public), scope)

    assert sent[0]["status"] == status


@pytest.mark.parametrize("missing", ["path", "raw_path", "root_path", "method"])
async def test_a_scope_with_missing_members_makes_no_further_path_public(missing: str) -> None:
    app = guarded(public={"/healthz", "GET /docs"})
    statuses: list[int] = []
    for path in ("/healthz", "/docs"):
        scope = http_scope(path=path)
        del scope[missing]
        statuses.append((await converse(app, scope))[0]["status"])

    expected = {"path": [401, 401], "method": [200, 401]}
    assert statuses == expected.get(missing, [200, 200])


@pytest.mark.parametrize("root_path", ["", "/", "/x", "/x/", "/x/y", "/é", "/healthz", "/xx"])
@pytest.mark.parametrize(
    "path",
    [
        *("/healthz", "/x/healthz", "/x//healthz", "/x/x/healthz", "/x", "/x/", "//healthz", "/"),
        *("/xhealthz", "/x/y/healthz", "/é/healthz", "/healthz/healthz", "/healthz/", ""),
        "/xx/healthz",
    ],
)
async def test_the_guard_and_starlette_agree_on_the_path(path: str, root_path: str) -> None:
    """If the guard lets a request pass as `/healthz`, only that endpoint serves it."""

    async def served(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.path_params))

    routes = [Route("/healthz", served), Route("/{any:path}", served)]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    scope = http_scope(path=path, root_path=root_path)

    unguarded = await converse(app, dict(scope), {"type": "http.request"})
    guard = await converse(guarded(app=app, public="/healthz"), scope, {"type": "http.request"})

    public = unguarded[-1].get("body") == b"{}"
    assert guard[0]["status"] == (200 if public else 401)


async def test_in_a_mounted_application_public_paths_are_relative_to_the_mount() -> None:
    app = Starlette(routes=[Mount("/admin", guarded(public="/healthz"))])

    async with client(app) as http:
        assert (await http.get("/admin/healthz")).status_code == 200
        assert (await http.get("/admin/contacts")).status_code == 401
        assert (await http.get("/admin/%68ealthz")).status_code == 401


async def test_in_two_mounts_behind_a_prefix_public_paths_are_relative_to_the_inner_mount() -> None:
    inner = Mount("/{tenant}", guarded(public="/healthz"))
    app = Starlette(routes=[Mount("/admin", routes=[inner])])

    statuses = [
        (await converse(app, http_scope(path=root + path, root_path=root)))[0]["status"]
        for root in ("/x", "")
        for path in ("/admin/é/healthz", "/admin/a b/healthz", "/admin/y/z/healthz")
    ]

    assert statuses == [200, 200, 401] * 2


@pytest.mark.parametrize(
    ("path", "root_path", "raw_path", "opened"),
    [
        pytest.param("/x/live", "/x", b"/x/live", True, id="behind a prefix"),
        pytest.param("/live", "", b"/%6Cive", False, id="a needless escape"),
        pytest.param("/live", "", None, True, id="no raw_path"),
    ],
)
async def test_public_paths_of_websockets_are_compared_in_the_same_way(
    path: str, root_path: str, raw_path: bytes | None, opened: bool
) -> None:
    async def accepts(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    scope = {**websocket_scope(path), "root_path": root_path, "raw_path": raw_path}

    sent = await handshake(guarded(app=accepts, public="/live"), scope)

    assert (sent[0]["type"] == "websocket.accept") is opened


async def test_the_host_header_cannot_make_a_path_public() -> None:
    """CVE-2026-48710: a URL built from Host must not decide."""
    scope = http_scope(path="/contacts", headers=[(b"host", b"api.example/healthz?x=")])

    sent = await converse(guarded(public="/healthz"), scope)

    assert sent[0]["status"] == 401


async def test_a_request_with_a_bad_token_to_a_public_path_is_anonymous() -> None:
    app = RecordingApplication()

    response = await client(guarded(app=app, public="/healthz")).get(
        "/healthz", headers=bearer("x")
    )

    assert response.status_code == 200
    assert not app.scopes[0]["user"].is_authenticated
