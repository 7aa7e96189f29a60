"""Requests that are refused, and requests that reach the application."""

import httpx

from tests.matrix.checks.client import CheckFailed, Client, expect

_INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "matrix", "version": "1"},
    },
}


def _expect_challenge(response: httpx.Response, status: int) -> None:
    method = response.request.method
    expect(f"the status of {method}", response.status_code, status)
    challenge = response.headers.get("www-authenticate", "")
    if not challenge.startswith("Bearer "):
        raise CheckFailed(f"the challenge of {method}: {challenge!r}")


async def without_token(client: Client) -> None:
    """A request without a token is answered with 401."""
    _expect_challenge(await client.http.get("/items"), 401)


async def with_token(client: Client) -> None:
    """A request with a good token reaches the application."""
    expect("the status", (await client.get("/items")).status_code, 200)
    if client.speaks_mcp:
        accept = {"accept": "application/json, text/event-stream"}
        response = await client.http.post(
            "/mcp", json=_INITIALIZE, headers={**client.bearer, **accept}
        )
        expect("the status of initialize", response.status_code, 200)
        expect("serverInfo in the answer", "serverInfo" in response.text, True)


async def wrong_scope(client: Client) -> None:
    """A token without the scope is answered with 403."""
    _expect_challenge(await client.http.get("/items", headers=client.without_scope), 403)


async def public_path(client: Client) -> None:
    """A public path needs no token."""
    expect("the status", (await client.http.get("/public")).status_code, 200)


async def head(client: Client) -> None:
    """HEAD needs a token, and its answer has no content, so that the connection can go on."""
    refused = await client.http.head("/items")
    _expect_challenge(refused, 401)
    allowed = await client.http.head("/items", headers=client.bearer)
    # Some frameworks do not answer HEAD where only GET is declared.
    expect("the status with a token", allowed.status_code, 200, 404, 405)
    expect("the status of the next request", (await client.get("/items")).status_code, 200)


async def options(client: Client) -> None:
    """OPTIONS needs a token as other methods do; the framework decides on the answer."""
    _expect_challenge(await client.http.options("/items"), 401)
    allowed = await client.http.options("/items", headers=client.bearer)
    expect("the status with a token", allowed.status_code, 200, 204, 404, 405)


async def exception(client: Client) -> None:
    """An exception of an endpoint is answered with 500, and the server goes on."""
    # Some servers close the connection after it.
    headers = {**client.bearer, "connection": "close"}
    expect("the status", (await client.http.get("/fault", headers=headers)).status_code, 500)
    expect("the status of the next request", (await client.get("/items")).status_code, 200)
