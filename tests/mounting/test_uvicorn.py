"""The guard under uvicorn: lifespan and paths."""

import asyncio
import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from asgi_bearer import BearerMiddleware
from asgi_bearer.testing import FakeIssuer
from tests.support.asgi import answer_subject, bearer
from tests.support.published_keys import Published, run_pending_tasks

issuer = FakeIssuer()


@asynccontextmanager
async def serve(app: Any, **settings: Any) -> AsyncGenerator[httpx.AsyncClient]:
    """Serve `app` on a free port, yield a client, and stop the server afterwards."""
    config = uvicorn.Config(app, log_config=None, ws="none", **settings)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        serving = asyncio.create_task(server.serve([listening]))
        try:
            async with httpx.AsyncClient(base_url=address, trust_env=False, timeout=30) as http:
                yield http
        finally:
            server.should_exit = True
            await serving


async def show_path(request: Request) -> PlainTextResponse:
    return PlainTextResponse(request.scope["path"])


@pytest.mark.parametrize("http_protocol", ["h11", "httptools"])
@pytest.mark.parametrize("root_path", ["", "/x", "/x/"])
async def test_a_public_path_is_public_behind_every_root_path(
    http_protocol: Literal["h11", "httptools"], root_path: str
) -> None:
    routes = [Route(path, show_path) for path in ("/healthz", "/café", "/contacts")]
    app = Starlette(routes=[*routes, Mount("/admin", routes=routes)])
    guard = BearerMiddleware(app, verifier=issuer.verifier(), public={"/healthz", "/café"})

    async with serve(guard, root_path=root_path, http=http_protocol) as http:
        statuses = {
            # httpx would normalise the path.
            path: (await http.get("/", extensions={"target": path.encode()})).status_code
            for path in (
                "/healthz",
                "/healthz?x=1",
                "/caf%C3%A9",
                "/caf%c3%a9",
                "/%68ealthz",
                "/contacts",
                "/contacts/../healthz",
                "/admin/healthz",
                "//healthz",
            )
        }

    assert [path for path, status in statuses.items() if status == 200] == [
        "/healthz",
        "/healthz?x=1",
        "/caf%C3%A9",
        "/caf%c3%a9",
    ]
    assert {status for status in statuses.values() if status != 200} == {401}


async def without_lifespan(scope: Any, receive: Any, send: Any) -> None:
    """Raise if the scope is not a request, as Django does."""
    if scope["type"] != "http":
        raise ValueError("can only handle ASGI/HTTP connections, not lifespan.")
    await answer_subject(scope, receive, send)


@pytest.mark.parametrize("lifespan", ["on", "auto"])
async def test_an_application_without_a_lifespan_starts_with_its_keys_and_stops_cleanly(
    lifespan: Literal["on", "auto"], published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="uvicorn.error")
    guard = BearerMiddleware(without_lifespan, verifier=published.verifier)

    async with serve(guard, lifespan=lifespan) as http:
        anonymous = await http.get("/")
        before = published.fetches
        published.documents.pause()
        response = await http.get("/", headers=bearer(published.issuer.token()))

    assert (anonymous.status_code, before) == (401, 1)
    assert (response.status_code, response.text) == (200, "alice")
    log = " ".join(caplog.messages)
    assert "Application startup complete." in log
    assert "Application shutdown complete." in log
    assert "unsupported" not in log
    assert {record.levelname for record in caplog.records} == {"INFO"}


@pytest.mark.parametrize("lifespan", ["on", "auto"])
async def test_the_server_stops_if_start_up_fails_while_keys_are_fetched(
    lifespan: Literal["on", "auto"], published: Published, caplog: pytest.LogCaptureFixture
) -> None:
    published.documents.pause()

    @asynccontextmanager
    async def failing(_app: Starlette) -> AsyncGenerator[None]:
        await run_pending_tasks()
        if published.fetches == 1:
            raise RuntimeError("no database")
        yield

    guard = BearerMiddleware(Starlette(lifespan=failing), verifier=published.verifier)
    server = uvicorn.Server(uvicorn.Config(guard, log_config=None, lifespan=lifespan, ws="none"))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with asyncio.timeout(30):
            # Some versions of uvicorn return here, others raise SystemExit.
            with suppress(SystemExit):
                await server.serve([listening])

    assert not server.started
    assert "Application startup failed. Exiting." in caplog.messages
    assert asyncio.all_tasks() == {asyncio.current_task()}
