"""For an application that has no lifespan, or half of one, the guard answers."""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from tests.support.asgi import Message, bearer, client, converse
from tests.support.lifespan import running
from tests.support.published_keys import Published, run_pending_tasks
from tests.support.warm_verifiers import Verifier, WarmVerifier

STARTUP, SHUTDOWN = {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}


@pytest.fixture
def published() -> Published:
    return Published()


async def raises_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """As Django does."""
    raise ValueError("Django can only handle ASGI/HTTP connections, not lifespan.")


async def returns_at_once(_scope: Any, _receive: Any, _send: Any) -> None:
    """Do nothing."""


async def answers_everything(_scope: Any, _receive: Any, send: Any) -> None:
    """As the first example of many a guide does."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def reads_and_answers_everything(scope: Any, receive: Any, send: Any) -> None:
    """As one does that wants the body first."""
    await receive()
    await answers_everything(scope, receive, send)


async def reads_and_returns(_scope: Any, receive: Any, _send: Any) -> None:
    """As one does that passes over what it does not know."""
    await receive()


async def gives_up_when_it_may_not_answer(scope: Any, receive: Any, send: Any) -> None:
    """As one does that takes every failure of `send` for a caller who went away."""
    with suppress(Exception):
        await answers_everything(scope, receive, send)


async def answers_in_a_group(scope: Any, receive: Any, send: Any) -> None:
    """As one does that runs each request in a group of tasks."""
    async with asyncio.TaskGroup() as group:
        group.create_task(reads_and_answers_everything(scope, receive, send))


async def sends_no_type(_scope: Any, receive: Any, send: Any) -> None:
    """As one does that is broken."""
    await receive()
    await send({"status": 200})


WITHOUT_LIFESPAN = [
    raises_at_once,
    returns_at_once,
    answers_everything,
    reads_and_answers_everything,
    reads_and_returns,
    gives_up_when_it_may_not_answer,
    answers_in_a_group,
    sends_no_type,
]


@pytest.mark.parametrize("app", WITHOUT_LIFESPAN)
async def test_for_an_application_without_a_lifespan_the_guard_answers(app: Any) -> None:
    """Its keys get ready before the first request, and the server hears of no failure."""
    notes: list[str] = []
    guarded = BearerMiddleware(app, verifier=WarmVerifier(notes))

    sent = await converse(guarded, {"type": "lifespan"}, STARTUP, SHUTDOWN)

    assert [message["type"] for message in sent] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
    assert notes == ["warm", "closed"]


@pytest.mark.parametrize("stopped", [asyncio.CancelledError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("begun", [False, True], ids=["at once", "after its start began"])
async def test_who_ends_the_process_is_never_taken_for_no_lifespan(
    stopped: type[BaseException], begun: bool
) -> None:
    notes: list[str] = []

    async def app(_scope: Any, receive: Any, _send: Any) -> None:
        if begun:
            await receive()
        raise stopped

    guarded = BearerMiddleware(app, verifier=WarmVerifier(notes))

    with pytest.raises(stopped):
        await converse(guarded, {"type": "lifespan"}, STARTUP)

    assert notes == (["warm", "closed"] if begun else [])


STARTED = {"type": "lifespan.startup.complete"}


async def starts_and_answers(scope: Any, receive: Any, send: Any) -> None:
    """Start, and then send what belongs to no lifespan."""
    await receive()
    await send(STARTED)
    await answers_everything(scope, receive, send)


async def starts_and_raises(_scope: Any, receive: Any, send: Any) -> None:
    """Start, and break while it serves."""
    await receive()
    await send(STARTED)
    raise RuntimeError("broken")


async def starts_unasked_and_raises(_scope: Any, _receive: Any, send: Any) -> None:
    """Say that it has started without having been asked, and break."""
    await send(STARTED)
    raise RuntimeError("broken")


async def fails_unasked(_scope: Any, _receive: Any, send: Any) -> None:
    """Say that it cannot start without having been asked."""
    await send({"type": "lifespan.startup.failed", "message": "no database"})
    raise RuntimeError("no database")


@pytest.mark.parametrize(
    "app", [starts_and_answers, starts_and_raises, starts_unasked_and_raises, fails_unasked]
)
async def test_what_an_application_said_of_its_lifespan_stands(app: Any) -> None:
    """The guard never says in its place what the server heard before, or the contrary."""
    notes: list[str] = []
    sent: list[str] = []

    async def receive() -> Any:
        return dict(STARTUP)

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with pytest.raises(RuntimeError):
        await BearerMiddleware(app, verifier=WarmVerifier(notes))(
            {"type": "lifespan"}, receive, send
        )

    assert sent == [STARTED["type"] if "starts" in app.__name__ else "lifespan.startup.failed"]
    assert notes[-1:] in ([], ["closed"])


async def starts_and_returns(_scope: Any, receive: Any, send: Any) -> None:
    """As one does that has nothing to put away."""
    await receive()
    await send(STARTED)


async def test_an_application_that_starts_and_returns_keeps_its_keys_until_the_end(
    published: Published,
) -> None:
    async with running(BearerMiddleware(starts_and_returns, verifier=published.verifier)):
        await run_pending_tasks()
        assert published.fetches == 1
        assert published.keys.status().state == "fresh"

    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_an_application_that_says_it_cannot_start_and_returns_has_failed() -> None:
    """Nothing is raised, and the guard says nothing in its place."""

    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed"})

    sent = await converse(
        BearerMiddleware(app, verifier=WarmVerifier([])), {"type": "lifespan"}, STARTUP
    )

    assert sent == [{"type": "lifespan.startup.failed"}]


@pytest.mark.parametrize("app", [returns_at_once, reads_and_returns])
async def test_a_server_that_ends_while_the_guard_answers_closes_the_verifier(app: Any) -> None:
    """Some servers cancel the lifespan without a word."""
    notes: list[str] = []
    received: asyncio.Queue[Message] = asyncio.Queue()
    sent: asyncio.Queue[Message] = asyncio.Queue()
    guarded: Any = BearerMiddleware(app, verifier=WarmVerifier(notes))
    life = asyncio.create_task(guarded({"type": "lifespan"}, received.get, sent.put))
    async with asyncio.timeout(5):
        await received.put(dict(STARTUP))
        assert await sent.get() == STARTED

    life.cancel()
    with pytest.raises(asyncio.CancelledError):
        await life

    assert notes == ["warm", "closed"]


async def test_that_the_guard_answers_is_said_once_and_names_no_more_than_the_kind_of_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, logger="asgi_bearer")

    async with running(BearerMiddleware(raises_at_once, verifier=WarmVerifier([]))):
        pass

    assert caplog.messages == [
        "the application does not support lifespan (ValueError); the middleware completes it"
    ]


@pytest.mark.parametrize("app", WITHOUT_LIFESPAN)
async def test_without_a_lifespan_and_with_nothing_to_warm_the_application_is_left_alone(
    app: Any,
) -> None:
    """As if there were no guard: the server finds out by itself."""
    bare: list[object] = []
    for one in (app, BearerMiddleware(app, verifier=Verifier())):
        try:
            bare.append(await converse(one, {"type": "lifespan"}, STARTUP))
        except Exception as err:
            bare.append(repr(err))

    assert bare[0] == bare[1]


async def test_an_application_without_a_lifespan_has_its_keys_before_the_first_request(
    published: Published,
) -> None:
    async def app(scope: Any, _receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError("can only handle HTTP connections")
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["user"].subject.encode()})

    guarded = BearerMiddleware(app, verifier=published.verifier)

    async with running(guarded):
        await run_pending_tasks()
        assert published.fetches == 1
        published.documents.pause()
        async with client(guarded) as http:
            response = await http.get("/", headers=bearer(published.issuer.token()))

    assert (response.status_code, response.text) == (200, "alice")

    assert asyncio.all_tasks() == {asyncio.current_task()}
