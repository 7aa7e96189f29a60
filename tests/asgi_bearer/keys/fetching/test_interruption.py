"""Fetches that failed because the process did not run for a while: they are repeated once."""

import asyncio
import logging
import math
from collections.abc import Callable

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.keys.fetcher import SuspensionDetector
from asgi_bearer.keys.http import Interrupted
from asgi_bearer.testing import FakeClock
from tests.support.published_keys import DOWN, Published, run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys

INTERRUPTED = Interrupted("no keys within 5 s; the process was suspended during the fetch")


async def interrupt_three_callers(source: Source) -> list["asyncio.Task[KeySet]"]:
    """Let three callers wait for a fetch that is interrupted."""
    source.answer = INTERRUPTED
    source.pause()
    waiting = [asyncio.create_task(source.keys.key_set()) for _ in range(3)]
    await run_pending_tasks()
    return waiting


async def test_callers_of_an_interrupted_fetch_get_the_keys_of_the_next_fetch() -> None:
    source = Source()
    waiting = await interrupt_three_callers(source)
    source.answer = numbered_keys(1)

    source.resume()

    assert await asyncio.gather(*waiting) == [numbered_keys(1)] * 3
    assert source.fetches == 2
    assert source.keys.status().state == "fresh"


@pytest.mark.parametrize("fault", [INTERRUPTED, DOWN], ids=["frozen-again", "down"])
async def test_a_repeated_fetch_is_not_repeated_again(
    fault: Exception,
) -> None:
    source = Source()
    waiting = await interrupt_three_callers(source)
    source.answer = fault

    source.resume()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(result, KeysUnavailable) for result in results)
    assert source.fetches == 2
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    assert source.fetches == 2


async def test_a_fetch_that_failed_without_an_interruption_is_not_repeated() -> None:
    source = Source()
    source.answer = DOWN

    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await source.keys.key_set()

    assert source.fetches == 1


async def test_the_next_caller_after_an_interrupted_fetch_does_not_wait_for_the_back_off() -> None:
    source = Source()
    source.answer = INTERRUPTED
    source.keys.warm()
    await run_pending_tasks()
    source.answer = numbered_keys(1)

    assert source.keys.status().next_attempt == 0.0
    assert await source.keys.key_set() == numbered_keys(1)
    assert source.fetches == 2


async def test_a_token_of_a_new_key_is_accepted_during_the_back_off_of_an_interrupted_fetch() -> (
    None
):
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = INTERRUPTED
    await source.keys.key_set()
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 3


async def test_a_token_of_a_new_key_that_waited_for_an_interrupted_fetch_is_accepted() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = INTERRUPTED
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()
    new = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    source.resume()

    assert await new == numbered_keys(2)
    assert source.fetches == 3


async def test_a_caller_that_comes_during_the_repeated_fetch_waits_for_it() -> None:
    source = Source()
    waiting = await interrupt_three_callers(source)
    source.answer = numbered_keys(1)
    source.resume()
    source.pause()
    await run_pending_tasks()
    late = asyncio.create_task(source.keys.key_set())
    await run_pending_tasks()

    source.resume()

    assert await asyncio.gather(*waiting, late) == [numbered_keys(1)] * 4
    assert source.fetches == 2


async def test_callers_with_known_keys_cause_no_repeated_fetch() -> None:
    """On a machine that is suspended after each request, the repeated fetch would be interrupted
    too."""
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = INTERRUPTED
    for _ in range(100):
        assert await source.keys.key_set() is old
        source.keys.warm()
        await run_pending_tasks()

    assert source.fetches == 2


async def test_after_interrupted_refreshes_a_caller_with_a_new_key_causes_a_fetch() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = INTERRUPTED
    for pause in (0.0, 1.0, 2.0):
        source.clock.advance(pause)
        await source.keys.key_set()
        await run_pending_tasks()
    assert source.fetches == 4
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


async def test_fetches_are_bounded_if_the_process_is_interrupted_again_and_again() -> None:
    """At most twice as many as the back-off allows: 25 in a thousand seconds."""
    source = Source()
    source.answer = INTERRUPTED

    for _ in range(1000):
        with pytest.raises(KeysUnavailable):
            await source.keys.key_set()
        source.clock.advance(1.0)

    assert source.fetches <= 2 * 25


async def test_closing_starts_no_repeated_fetch() -> None:
    source = Source()
    source.answer = INTERRUPTED
    source.keys.warm()
    await run_pending_tasks()
    source.pause()
    waiting = asyncio.create_task(source.keys.key_set())
    await run_pending_tasks()

    await source.keys.aclose()

    with pytest.raises(KeysUnavailable, match="closed"):
        await waiting
    assert source.fetches == 2
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def interrupt_for(seconds: float, fetch_timeout: float = 0.5) -> tuple[list[str], int]:
    """Verify three tokens while `seconds` pass and the issuer does not answer the first fetch."""
    clock = FakeClock()
    published = Published(timeout=fetch_timeout, clock=clock)
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()] * 3))
    await run_pending_tasks()
    clock.advance(seconds)
    # The issuer answers later requests only.
    published.documents.hang()
    return await asyncio.wait_for(waiting, 60.0), published.fetches


@pytest.mark.parametrize("seconds", [0.5, 6.0, 86_400.0])
async def test_a_process_that_was_suspended_during_a_fetch_fetches_once_more_and_serves(
    seconds: float,
) -> None:
    assert await interrupt_for(seconds) == (["alice"] * 3, 2)


async def test_a_fetch_from_an_issuer_that_does_not_answer_is_not_repeated() -> None:
    """A longer timeout, so that a busy machine does not look like a suspended process."""
    assert await interrupt_for(0.01, fetch_timeout=2.0) == (["keys_unavailable"] * 3, 1)


@pytest.mark.parametrize("fault", [DOWN, RuntimeError("s3cret"), TimeoutError()], ids=repr)
async def test_a_connection_that_broke_while_the_process_was_suspended_counts_as_interrupted(
    fault: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    published = Published(clock=clock)
    published.serve(fault)
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()]))
    await run_pending_tasks()
    published.publish()
    clock.advance(60.0)
    with caplog.at_level(logging.WARNING, "asgi_bearer"):
        published.documents.resume()

        assert await waiting == ["alice"]

    assert published.fetches == 2
    assert "the process was suspended during the fetch" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_fetch_that_survives_the_suspension_is_used() -> None:
    clock = FakeClock()
    published = Published(clock=clock)
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()]))
    await run_pending_tasks()
    clock.advance(60.0)
    published.documents.resume()

    assert await waiting == ["alice"]
    assert published.fetches == 1


GAPS: list[tuple[str, float, Callable[[], float], bool]] = [
    ("none", 0.0, FakeClock(), False),
    ("short", 1.5, FakeClock(), False),
    ("long", 1.6, FakeClock(), True),
    ("back", -60.0, FakeClock(), False),
    ("nonsense", 60.0, lambda: math.nan, False),
]


@pytest.mark.parametrize(
    ("seconds", "clock", "interrupted"), [row[1:] for row in GAPS], ids=[row[0] for row in GAPS]
)
async def test_a_gap_longer_than_a_third_of_the_deadline_is_an_interruption(
    seconds: float, clock: Callable[[], float], interrupted: bool
) -> None:
    watch = SuspensionDetector(5.0, clock)

    with watch:
        if isinstance(clock, FakeClock):
            clock.advance(seconds)

    assert watch.suspended is interrupted
