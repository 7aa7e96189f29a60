"""WebSockets that are refused, and a WebSocket that reaches the application."""

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.matrix.checks.client import CheckFailed, Client, expect


def _connect(client: Client, headers: dict[str, str]) -> connect:
    return connect(f"ws://127.0.0.1:{client.port}/echo", additional_headers=headers, proxy=None)


async def websocket_refused(client: Client) -> None:
    """A handshake without a token, or without the scope, is refused before the application."""
    for headers, status in (({}, 401), (client.without_scope, 403)):
        try:
            async with _connect(client, headers):
                raise CheckFailed("the WebSocket was accepted")
        except InvalidStatus as err:
            response = err.response
        # A server without the extension answers 403 for an application that closes.
        expect("the status", response.status_code, status if client.denies else 403)
        if client.denies:
            challenge = response.headers.get("www-authenticate", "")
            expect("the scheme of the challenge", challenge.split(" ")[0], "Bearer")


async def websocket_accepted(client: Client) -> None:
    """A WebSocket with a good token reaches the application."""
    async with _connect(client, client.bearer) as websocket:
        await websocket.send("hello")
        expect("the echo", await websocket.recv(), "hello")
