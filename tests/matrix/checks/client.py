"""The client of a guarded application, and how a check fails."""

from dataclasses import dataclass

import httpx

from tests.matrix.process import ServerProcess

DEADLINE = 10.0
"""Seconds in which a server must show what a check waits for."""


class CheckFailed(AssertionError):
    """A cell does not hold what a check expects."""


def expect(what: str, actual: object, *expected: object) -> None:
    """Fail unless the actual value is one of the expected ones."""
    if actual not in expected:
        wanted = " or ".join(map(repr, expected))
        raise CheckFailed(f"{what}: {actual!r} instead of {wanted}")


@dataclass(frozen=True, slots=True)
class Client:
    """Sends requests to the server of a cell.

    Arguments:
        http: without a token.
        bearer: the header with a good token.
        without_scope: the header with a token that lacks the scope.
        denies: whether the server lets the application refuse a WebSocket with a response.
        speaks_mcp: whether the application is an MCP server, too.
    """

    process: ServerProcess
    http: httpx.AsyncClient
    port: int
    bearer: dict[str, str]
    without_scope: dict[str, str]
    denies: bool
    speaks_mcp: bool

    async def get(self, path: str) -> httpx.Response:
        """Send a GET request with a good token."""
        return await self.http.get(path, headers=self.bearer)
