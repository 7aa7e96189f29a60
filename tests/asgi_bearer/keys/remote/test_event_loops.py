"""Where no event loop of asyncio runs (trio), keys are not to be had, and a sentence says so.

A coroutine that is driven by hand stands for one of another event loop.
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


def elsewhere(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Drive what waits for nothing, without an event loop of asyncio."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def test_the_first_use_says_that_keys_are_fetched_on_asyncio_only() -> None:
    source = Source()

    with pytest.raises(KeysUnavailable, match=SENTENCE) as refused:
        elsewhere(source.keys.key_set())

    assert "StaticKeys" in refused.value.reason
    assert "trio" in refused.value.reason
    assert source.fetches == 0


def test_a_request_is_not_judged_and_nothing_faulted() -> None:
    published = Published()

    with pytest.raises(KeysUnavailable, match=SENTENCE):
        elsewhere(published.verify())


def test_the_log_says_so_once_as_an_error(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()

    for _ in range(10):
        with pytest.raises(NotOnAsyncio):
            elsewhere(source.keys.key_set())
        with pytest.raises(NotOnAsyncio):
            source.keys.warm()

    records = [record for record in caplog.records if SENTENCE in record.getMessage()]
    assert [record.levelno for record in records] == [logging.ERROR]
    assert records[0].name == "asgi_bearer.keys"


def test_warming_says_so_too(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeysUnavailable, match=SENTENCE):
        Source().keys.warm()

    assert SENTENCE in caplog.text


@pytest.mark.parametrize("unknown_kid", [True, False])
def test_a_key_that_is_missing_is_no_refusal(unknown_kid: bool) -> None:
    source = Source()
    held = asyncio.run(source.keys.key_set())

    with pytest.raises(KeysUnavailable, match=SENTENCE):
        elsewhere(source.keys.key_set(Missed(held, unknown_kid=unknown_kid)))


def test_keys_that_were_fetched_on_asyncio_serve_while_they_are_good() -> None:
    source = Source()
    asyncio.run(source.keys.key_set())
    source.clock.advance(90.0)

    assert elsewhere(source.keys.key_set()) == numbered_keys(1)
    source.clock.advance(500.0)
    with pytest.raises(KeysUnavailable, match=SENTENCE):
        elsewhere(source.keys.key_set())


def test_closing_elsewhere_does_nothing() -> None:
    source = Source()
    elsewhere(source.keys.aclose())
    asyncio.run(source.keys.key_set())

    elsewhere(source.keys.aclose())


def test_the_start_of_an_application_says_so_once_and_goes_on(
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

    elsewhere(guarded({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert sum(SENTENCE in message for message in caplog.messages) == 1
