"""The guard runs the lifespan itself if the application has none, or an incomplete one."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from tests.support.asgi import (
    SHUTDOWN,
    STARTUP,
    Message,
    answer_ok,
    answer_subject,
    bearer,
    client,
    converse,
)
from tests.support.lifespan import ApplicationVerifier, WarmVerifier, running
from tests.support.published_keys import Published, run_pending_tasks


async def raises_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """Raise, as Django does."""
    raise ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")


async def returns_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """Do nothing."""


async def reads_and_answers_everything(scope: Any, receive: Any, send: Any) -> None:
    """Read the body before answering."""
    await receive()
    await answer_ok(scope, receive, send)


async def reads_and_returns(_scope: Any, receive: Any, _send: Any) -> None:
    """Ignore the unknown scope type."""
    await receive()


async def gives_up_when_it_may_not_answer(scope: Any, receive: Any, send: Any) -> None:
    """Ignore every failure of `send`, as if the client had gone away."""
    with suppress(Exception):
        await answer_ok(scope, receive, send)


async def answers_in_a_group(scope: Any, receive: Any, send: Any) -> None:
    """Run each request in a task group."""
    async with asyncio.TaskGroup() as group:
        group.create_task(reads_and_answers_everything(scope, receive, send))


async def sends_no_type(_scope: Any, receive: Any, send: Any) -> None:
    """Send an invalid message."""
    await receive()
    await send({"status": 200})


WITHOUT_LIFESPAN = [
    raises_at_once,
    returns_at_once,
    answer_ok,
    reads_and_answers_everything,
    reads_and_returns,
    gives_up_when_it_may_not_answer,
    answers_in_a_group,
    sends_no_type,
]


@pytest.mark.parametrize("app", WITHOUT_LIFESPAN)
async def test_the_guard_runs_the_lifespan_of_an_application_without_one(app: Any) -> None:
    """The keys are fetched before the first request, and the server sees no failure."""
    calls: list[str] = []
    guarded = BearerMiddleware(app, verifier=WarmVerifier(calls))

    sent = await converse(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)

    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert calls == ["warm", "closed"]


@pytest.mark.parametrize("stopped", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("begun", [False, True], ids=["at once", "after its start began"])
async def test_an_exception_that_ends_the_process_does_not_count_as_a_missing_lifespan(
    stopped: type[BaseException], begun: bool
) -> None:
    calls: list[str] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        if begun:
            await receive()
        raise stopped

    guarded = BearerMiddleware(app, verifier=WarmVerifier(calls))

    with pytest.raises(stopped):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert calls == (["warm", "closed"] if begun else [])


STARTED = {"type": "lifespan.startup.complete"}


async def starts_and_answers(scope: Any, receive: Any, send: Any) -> None:
    """Start, and then send HTTP messages."""
    await receive()
    await send(STARTED)
    await answer_ok(scope, receive, send)


async def starts_and_raises(_scope: Any, receive: Any, send: Any) -> None:
    """Start, and fail while serving."""
    await receive()
    await send(STARTED)
    raise RuntimeError("broken")


async def starts_without_reading_and_raises(_scope: Any, _receive: Any, send: Any) -> None:
    """Report a start without reading the start message, and fail."""
    await send(STARTED)
    raise RuntimeError("broken")


async def fails_without_reading(_scope: Any, _receive: Any, send: Any) -> None:
    """Report a failed start without reading the start message."""
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise RuntimeError("no database")


@pytest.mark.parametrize(
    "app",
    [
        starts_and_answers,
        starts_and_raises,
        starts_without_reading_and_raises,
        fails_without_reading,
    ],
)
async def test_the_guard_does_not_contradict_what_the_application_reported(app: Any) -> None:
    calls: list[str] = []
    sent: list[str] = []

    async def receive() -> Any:
        return dict(STARTUP)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(RuntimeError):
        await BearerMiddleware(app, verifier=WarmVerifier(calls))(
            {"type": "lifespan"}, receive, send
        )

    assert sent == [STARTED["type"] if "starts" in app.__name__ else "lifespan.startup.failed"]
    assert calls[-1:] in ([], ["closed"])


async def starts_and_returns(_scope: Any, receive: Any, send: Any) -> None:
    """Return after the start, because there is nothing to close."""
    await receive()
    await send(STARTED)


async def test_an_application_that_returns_after_its_start_keeps_its_keys_until_shutdown(
    published: Published,
) -> None:
    async with running(BearerMiddleware(starts_and_returns, verifier=published.verifier)):
        await run_pending_tasks()
        assert published.fetches == 1
        assert published.keys.status().state == "fresh"

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_application_that_reports_a_failed_start_and_returns_has_failed() -> None:
    """The guard reports nothing in its place."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})

    sent = await converse(
        BearerMiddleware(app, verifier=WarmVerifier([])), {"type": "lifespan"}, STARTUP
    )

    assert sent == [{"type": "lifespan.startup.failed"}]


@pytest.mark.parametrize("app", [returns_at_once, reads_and_returns])
async def test_a_server_that_cancels_the_lifespan_closes_the_verifier(app: Any) -> None:
    """Some servers cancel it instead of sending a shutdown."""
    calls: list[str] = []
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    guarded: Any = BearerMiddleware(app, verifier=WarmVerifier(calls))
    life = asyncio.create_task(guarded({"type": "lifespan"}, received.get, sent.put))
    async with asyncio.timeout(5):
        await received.put(dict(STARTUP))
        assert await sent.get() == STARTED

    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life

    assert calls == ["warm", "closed"]


async def test_the_missing_lifespan_is_logged_once_with_the_class_of_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    async with running(BearerMiddleware(raises_at_once, verifier=WarmVerifier([]))):
        pass

    assert caplog.messages == [
        "the application does not support lifespan (ValueError); the middleware completes it"
    ]


@pytest.mark.parametrize("app", WITHOUT_LIFESPAN)
async def test_without_a_lifespan_and_without_warm_the_guard_does_nothing(
    app: Any,
) -> None:
    """The server sees the same as without the guard."""
    results: list[object] = []
    for candidate in (app, BearerMiddleware(app, verifier=ApplicationVerifier())):
        try:
            results.append(await converse(candidate, {"type": "lifespan"}, STARTUP))
        except Exception as err:
            results.append(repr(err))

    assert results[0] == results[1]


async def test_an_application_without_a_lifespan_has_its_keys_before_the_first_request(
    published: Published,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError("can only handle HTTP connections")
        await answer_subject(scope, receive, send)

    guarded = BearerMiddleware(app, verifier=published.verifier)

    async with running(guarded):
        await run_pending_tasks()
        assert published.fetches == 1
        published.documents.pause()
        async with client(guarded) as http:
            response = await http.get("/", headers=bearer(published.issuer.token()))

    assert (response.status_code, response.text) == (200, "alice")

    assert asyncio.all_tasks() == {asyncio.current_task()}
