"""Runs the checks of one cell: on a server, on one whose start fails, and on one with workers."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.matrix import behaviour, variables
from tests.matrix.cells import Cell
from tests.matrix.checks import requests, streams, websockets
from tests.matrix.checks.client import DEADLINE, CheckFailed, Client, expect
from tests.matrix.issuer import Issuer
from tests.matrix.known_gaps import Failed, NotOffered, Outcome, Passed
from tests.matrix.process import ServerProcess, running
from tests.support.demo_process import free_ports

REQUESTS: dict[str, Callable[[Client], Awaitable[None]]] = {
    "401": requests.without_token,
    "200": requests.with_token,
    "wrong scope": requests.wrong_scope,
    "public path": requests.public_path,
    "HEAD": requests.head,
    "OPTIONS": requests.options,
    "exception": requests.exception,
    "streaming": streams.streaming,
    "disconnect": streams.disconnect,
}
WEBSOCKETS: dict[str, Callable[[Client], Awaitable[None]]] = {
    "WebSocket refused": websockets.websocket_refused,
    "WebSocket accepted": websockets.websocket_accepted,
}
KEYS_AT_START = "keys at start"
LIFESPAN = "lifespan once"
FAILING_START = "failing start"
KEYS_BEFORE_FORK = "keys before fork"

MEANINGS = {
    KEYS_AT_START: "The keys are fetched before the first request.",
    **{name: (check.__doc__ or "").strip() for name, check in {**REQUESTS, **WEBSOCKETS}.items()},
    LIFESPAN: "The server starts and stops the application once.",
    FAILING_START: "A failure of the application's start ends the server with an error.",
    KEYS_BEFORE_FORK: "Keys that were fetched before the workers started can be used, and fetched"
    " again, in the workers.",
}
"""What each check expects."""

_CONNECTIONS = 6
"""Enough that both workers serve some of them, most of the time."""


class CellRun:
    """A run of one cell, and the outcomes of its checks.

    Arguments:
        python: the interpreter of an environment that has all frameworks and servers.
        number: different for each cell of a run.
    """

    def __init__(self, cell: Cell, number: int, python: Path, issuer: Issuer) -> None:
        self._cell = cell
        self._number = number
        self._python = python
        self._issuer = issuer
        self._bearer = {"authorization": f"Bearer {issuer.token()}"}
        self._without_scope = {"authorization": f"Bearer {issuer.token('read:other')}"}
        self.outcomes: dict[str, Outcome] = {}

    async def run(self) -> dict[str, Outcome]:
        """Run all checks; return their outcomes."""
        await self._serve()
        await self._fail_to_start()
        await self._fork()
        return self.outcomes

    async def _serve(self) -> None:
        framework, server = self._cell.framework, self._cell.server
        async with self._running("serve") as (process, port):
            await self._check(KEYS_AT_START, self._keys_at_start(process), process)
            async with self._http(port) as http:
                client = Client(
                    process=process,
                    http=http,
                    port=port,
                    bearer=self._bearer,
                    without_scope=self._without_scope,
                    denies=server.denies,
                    speaks_mcp=framework.speaks_mcp,
                )
                for name, check in REQUESTS.items():
                    await self._check(name, check(client), process)
                for name, check in WEBSOCKETS.items():
                    if framework.websocket:
                        await self._check(name, check(client), process)
                    else:
                        self.outcomes[name] = NotOffered("framework")
            if framework.lifespan:
                await self._check(LIFESPAN, self._lifespan_once(process), process)
            else:
                self.outcomes[LIFESPAN] = NotOffered("framework")
        if not server.lifespan:
            self.outcomes[KEYS_AT_START] = NotOffered("server")

    async def _keys_at_start(self, process: ServerProcess) -> None:
        await process.wait_for(self._cell.server.listening)
        if self._cell.server.lifespan:
            async with asyncio.timeout(DEADLINE):
                await self._issuer.fetched(self._name("serve")).wait()

    async def _lifespan_once(self, process: ServerProcess) -> None:
        await process.end()
        expect("the number of starts", process.count(behaviour.STARTED), 1)
        expect("the number of stops", process.count(behaviour.STOPPED), 1)

    async def _fail_to_start(self) -> None:
        if not self._cell.framework.lifespan:
            self.outcomes[FAILING_START] = NotOffered("framework")
        elif not self._cell.server.lifespan:
            self.outcomes[FAILING_START] = NotOffered("server")
        else:
            async with self._running("fail", settings={variables.START_FAILS: "1"}) as running_:
                process, _ = running_
                await self._check(FAILING_START, self._ends_with_error(process), process)

    async def _ends_with_error(self, process: ServerProcess) -> None:
        try:
            status = await process.ended(DEADLINE)
        except TimeoutError:
            raise CheckFailed("the server goes on") from None
        if status == 0:
            raise CheckFailed("the server ends without an error")

    async def _fork(self) -> None:
        server = self._cell.server
        if not server.workers:
            self.outcomes[KEYS_BEFORE_FORK] = NotOffered("server")
            return
        early = {variables.EARLY_TOKEN: self._issuer.token()}
        async with self._running("fork", *server.workers, settings=early) as (process, port):
            await self._check(KEYS_BEFORE_FORK, self._workers_accept(process, port), process)

    async def _workers_accept(self, process: ServerProcess, port: int) -> None:
        await process.wait_for(self._cell.server.listening)
        later = {"authorization": f"Bearer {self._issuer.later_token()}"}
        for _ in range(_CONNECTIONS):
            async with self._http(port) as http:
                known = await http.get("/items", headers=self._bearer)
                new = await http.get("/items", headers=later)
            expect("the status with a token of the first key", known.status_code, 200)
            expect("the status with a token of a new key", new.status_code, 200)
        loads = process.count(behaviour.KEYS_FETCHED)
        if self._cell.server.preloads:
            expect("how often the application was loaded", loads, 1)
        elif not loads:
            raise CheckFailed("the keys were not fetched before the first request")

    async def _check(self, name: str, check: Awaitable[None], process: ServerProcess) -> None:
        try:
            async with asyncio.timeout(2 * DEADLINE):
                await check
        except Exception as err:
            # A client library may raise anything when a server breaks a protocol.
            why = str(err) or type(err).__name__
            self.outcomes[name] = Failed(f"{why}\n{process.last_lines}")
        else:
            self.outcomes[name] = Passed()

    def _name(self, purpose: str) -> str:
        return f"{self._number}-{purpose}"

    @asynccontextmanager
    async def _running(
        self, purpose: str, *more: str, settings: dict[str, str] | None = None
    ) -> AsyncGenerator[tuple[ServerProcess, int]]:
        (port,) = free_ports(1)
        module, *arguments = self._cell.server.arguments
        command = [argument.replace("{port}", str(port)) for argument in arguments]
        environment = {
            variables.FRAMEWORK: self._cell.framework.module,
            variables.ISSUER: self._issuer.identifier,
            variables.AUDIENCE: self._issuer.audience,
            variables.JWKS_URI: self._issuer.jwks_uri(self._name(purpose)),
            **(settings or {}),
        }
        async with running(
            self._python, "-m", module, *command[:-1], *more, command[-1], environment=environment
        ) as process:
            yield process, port

    def _http(self, port: int) -> httpx.AsyncClient:
        # Some servers say that they listen a moment before they do.
        transport = httpx.AsyncHTTPTransport(retries=6)
        base_url = f"http://127.0.0.1:{port}"
        return httpx.AsyncClient(
            base_url=base_url, transport=transport, trust_env=False, timeout=DEADLINE
        )
