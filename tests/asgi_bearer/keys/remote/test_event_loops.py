"""Keys are fetched on asyncio only; on another event loop (trio) the source says so.

These tests drive a coroutine by hand, in place of another event loop.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest

from asgi_bearer import BearerMiddleware
from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import Missed
from asgi_bearer.keys.single_flight import NotOnAsyncio
from tests.support.published_keys import Published
from tests.support.remote_keys import Source, numbered_keys

SENTENCE = "asgi_bearer fetches keys only on asyncio"


def run_without_asyncio(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine that never waits, without an asyncio event loop."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("the coroutine waits")


def test_the_first_use_says_that_keys_are_fetched_on_asyncio_only() -> None:
    source = Source()

    with pytest.raises(KeysUnavailable, match=SENTENCE) as refused:
        run_without_asyncio(source.keys.key_set())

    assert "StaticKeys" in refused.value.reason
    assert "trio" in refused.value.reason
    assert source.fetches == 0


def test_a_request_without_asyncio_is_keys_unavailable() -> None:
    published = Published()

    with pytest.raises(KeysUnavailable, match=SENTENCE):
        run_without_asyncio(published.verify())


def test_the_missing_event_loop_is_logged_once_as_an_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()

    for _ in range(10):
        with pytest.raises(NotOnAsyncio):
            run_without_asyncio(source.keys.key_set())
        with pytest.raises(NotOnAsyncio):
            source.keys.warm()

    records = [record for record in caplog.records if SENTENCE in record.getMessage()]
    assert [record.levelno for record in records] == [logging.ERROR]
    assert records[0].name == "asgi_bearer.keys"


def test_warming_without_asyncio_fails_with_the_same_message(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(KeysUnavailable, match=SENTENCE):
        Source().keys.warm()

    assert SENTENCE in caplog.text


@pytest.mark.parametrize("unknown_kid", [True, False])
def test_a_missing_key_without_asyncio_is_keys_unavailable(unknown_kid: bool) -> None:
    source = Source()
    known = asyncio.run(source.keys.key_set())

    with pytest.raises(KeysUnavailable, match=SENTENCE):
        run_without_asyncio(source.keys.key_set(Missed(known, unknown_kid=unknown_kid)))


def test_keys_that_were_fetched_on_asyncio_serve_without_it_until_they_expire() -> None:
    source = Source()
    asyncio.run(source.keys.key_set())
    source.clock.advance(90.0)

    assert run_without_asyncio(source.keys.key_set()) == numbered_keys(1)
    source.clock.advance(500.0)
    with pytest.raises(KeysUnavailable, match=SENTENCE):
        run_without_asyncio(source.keys.key_set())


def test_closing_without_asyncio_does_nothing() -> None:
    source = Source()
    run_without_asyncio(source.keys.aclose())
    asyncio.run(source.keys.key_set())

    run_without_asyncio(source.keys.aclose())


def test_an_application_without_asyncio_starts_and_logs_the_message_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def app(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})

    async def receive() -> Any:
        return {"type": waiting.pop(0)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    sent: list[str] = []
    waiting = ["lifespan.startup", "lifespan.shutdown"]
    guarded = BearerMiddleware(app, verifier=Published().verifier)

    run_without_asyncio(guarded({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sum(SENTENCE in message for message in caplog.messages) == 1
