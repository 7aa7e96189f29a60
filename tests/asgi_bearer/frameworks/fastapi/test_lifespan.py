"""`BearerAuth.add_to` in FastAPI: keys are fetched when the application starts."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI, Security

from asgi_bearer import BearerMiddleware, Principal
from asgi_bearer.fastapi import BearerAuth
from tests.support.asgi import bearer, client
from tests.support.lifespan import ApplicationVerifier, WarmVerifier, running
from tests.support.published_keys import Published, run_pending_tasks


def own_lifespan(calls: list[str]) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[dict[str, str]]:
        calls.append("started")
        yield {"name": "contacts"}
        calls.append("ended")

    return lifespan


async def test_the_keys_are_fetched_before_the_first_request(published: Published) -> None:
    app = FastAPI()
    BearerAuth(published.verifier).add_to(app)

    async with running(app):
        await run_pending_tasks()

        assert published.fetches == 1


async def test_the_lifespan_of_the_application_runs_too() -> None:
    calls: list[str] = []
    app = FastAPI(lifespan=own_lifespan(calls))
    BearerAuth(WarmVerifier(calls)).add_to(app)

    async with running(app):
        assert calls == ["warm", "started"]

    assert calls == ["warm", "started", "ended", "closed"]


async def test_the_state_of_the_lifespan_reaches_the_requests(published: Published) -> None:
    auth = BearerAuth(published.verifier)
    app = FastAPI(lifespan=own_lifespan([]))
    auth.add_to(app)
    scopes: list[dict[str, Any]] = []

    async def recorded(scope: Any, receive: Any, send: Any) -> None:
        scopes.append(scope)
        await app(scope, receive, send)

    async with running(recorded):
        assert scopes[0]["state"] == {"name": "contacts"}


async def test_the_lifespans_of_routers_run_too() -> None:
    calls: list[str] = []
    app = FastAPI()
    BearerAuth(WarmVerifier(calls)).add_to(app)
    app.include_router(APIRouter(lifespan=own_lifespan(calls)))

    async with running(app):
        assert sorted(calls) == ["started", "warm"]


async def test_a_start_that_fails_closes_the_verifier() -> None:
    calls: list[str] = []

    def failing(app: FastAPI) -> Any:
        raise ZeroDivisionError

    app = FastAPI(lifespan=failing)
    BearerAuth(WarmVerifier(calls)).add_to(app)

    with pytest.raises(ZeroDivisionError):
        async with app.router.lifespan_context(app):
            pass

    assert calls == ["warm", "closed"]


class FailingVerifier(ApplicationVerifier):
    """A verifier whose `warm` and `aclose` fail with a secret in the message."""

    def warm(self) -> None:
        raise ValueError("secret")

    async def aclose(self) -> None:
        raise ValueError("secret")


async def test_a_verifier_that_cannot_fetch_does_not_stop_the_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()
    BearerAuth(FailingVerifier()).add_to(app)

    async with running(app):
        pass

    assert [
        record.getMessage() for record in caplog.records if record.levelno == logging.ERROR
    ] == [
        "the keys cannot be fetched before the first request: ValueError",
        "the verifier could not be closed: ValueError",
    ]


async def test_a_verifier_without_keys_leaves_the_lifespan_of_the_application() -> None:
    calls: list[str] = []
    app = FastAPI(lifespan=own_lifespan(calls))
    BearerAuth(ApplicationVerifier()).add_to(app)

    async with running(app):
        pass

    assert calls == ["started", "ended"]


async def test_behind_the_guard_the_keys_are_fetched_once(published: Published) -> None:
    auth = BearerAuth(published.verifier)
    app = FastAPI()
    auth.add_to(app)

    @app.get("/")
    async def read(user: Annotated[Principal, Security(auth)]) -> str:
        return str(user.subject)

    guarded = BearerMiddleware(app, verifier=published.verifier)
    async with running(guarded):
        await run_pending_tasks()
        response = await client(guarded).get("/", headers=bearer(published.issuer.token()))

    assert response.json() == "alice"
    assert published.fetches == 1


async def test_an_application_can_start_again(published: Published) -> None:
    app = FastAPI()
    BearerAuth(published.verifier).add_to(app)

    for _ in range(2):
        async with running(app):
            await run_pending_tasks()

    assert published.fetches == 1


async def test_add_to_comes_before_the_start() -> None:
    app = FastAPI()
    async with running(app):
        pass

    with pytest.raises(RuntimeError, match="before the application starts"):
        BearerAuth(ApplicationVerifier()).add_to(app)
