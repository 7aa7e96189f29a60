"""An attempt in which the process did not run: one more for whoever waits, and nothing more."""

import asyncio
import logging
import math
from collections.abc import Callable

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import KeySet, Missed
from asgi_bearer.keys.fetcher import SuspensionDetector
from asgi_bearer.keys.http import Interrupted
from tests.support.fake_issuer import FakeClock
from tests.support.published_keys import DOWN, Published, run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys

FROZEN = Interrupted("no keys within 5 s; the process was suspended during the fetch")


async def frozen(source: Source) -> list["asyncio.Task[KeySet]"]:
    """Let three wait for an attempt that is interrupted."""
    source.answer = FROZEN
    source.pause()
    waiting = [asyncio.create_task(source.keys.key_set()) for _ in range(3)]
    await run_pending_tasks()
    return waiting


async def test_whoever_waited_for_an_interrupted_attempt_gets_what_the_next_one_brings() -> None:
    source = Source()
    waiting = await frozen(source)
    source.answer = numbered_keys(1)

    source.resume()

    assert await asyncio.gather(*waiting) == [numbered_keys(1)] * 3
    assert source.fetches == 2
    assert source.keys.status().state == "fresh"


@pytest.mark.parametrize("fault", [FROZEN, DOWN], ids=["frozen-again", "down"])
async def test_nothing_makes_up_for_the_attempt_that_makes_up_for_another(
    fault: Exception,
) -> None:
    source = Source()
    waiting = await frozen(source)
    source.answer = fault

    source.resume()
    results = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(result, KeysUnavailable) for result in results)
    assert source.fetches == 2
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    assert source.fetches == 2


async def test_an_attempt_that_failed_without_an_interruption_is_not_made_up_for() -> None:
    source = Source()
    source.answer = DOWN

    for _ in range(3):
        with pytest.raises(KeysUnavailable):
            await source.keys.key_set()

    assert source.fetches == 1


async def test_the_pause_that_an_interruption_began_refuses_nobody_who_comes_next() -> None:
    source = Source()
    source.answer = FROZEN
    source.keys.warm()
    await run_pending_tasks()
    source.answer = numbered_keys(1)

    assert source.keys.status().next_attempt == 0.0
    assert await source.keys.key_set() == numbered_keys(1)
    assert source.fetches == 2


async def test_a_token_of_a_new_key_after_an_interruption_is_good_though_a_pause_has_begun() -> (
    None
):
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = FROZEN
    await source.keys.key_set()
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)
    assert source.fetches == 3


async def test_a_token_of_a_new_key_that_waited_for_an_interrupted_attempt_is_good() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = FROZEN
    source.pause()
    await source.keys.key_set()
    await run_pending_tasks()
    new = asyncio.create_task(source.keys.key_set(Missed(old, unknown_kid=True)))
    await run_pending_tasks()
    source.answer = numbered_keys(2)

    source.resume()

    assert await new == numbered_keys(2)
    assert source.fetches == 3


async def test_who_comes_while_an_attempt_is_made_up_for_waits_for_it() -> None:
    source = Source()
    waiting = await frozen(source)
    source.answer = numbered_keys(1)
    source.resume()
    source.pause()
    await run_pending_tasks()
    late = asyncio.create_task(source.keys.key_set())
    await run_pending_tasks()

    source.resume()

    assert await asyncio.gather(*waiting, late) == [numbered_keys(1)] * 4
    assert source.fetches == 2


async def test_requests_with_known_keys_make_up_for_nothing() -> None:
    """On a machine that is suspended after each request, that attempt would be interrupted too."""
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = FROZEN
    for _ in range(100):
        assert await source.keys.key_set() is old
        source.keys.warm()
        await run_pending_tasks()

    assert source.fetches == 2


async def test_each_interrupted_attempt_behind_requests_leaves_one_to_whoever_waits() -> None:
    source = Source()
    old = await source.fetch_and_wait(90.0)
    source.answer = FROZEN
    for pause in (0.0, 1.0, 2.0):
        source.clock.advance(pause)
        await source.keys.key_set()
        await run_pending_tasks()
    assert source.fetches == 4
    source.answer = numbered_keys(2)

    assert await source.keys.key_set(Missed(old, unknown_kid=True)) == numbered_keys(2)


async def test_a_dead_issuer_and_a_process_that_is_frozen_again_and_again_have_a_bound() -> None:
    """Twice what the back-off allows: 25 attempts in a thousand seconds."""
    source = Source()
    source.answer = FROZEN

    for _ in range(1000):
        with pytest.raises(KeysUnavailable):
            await source.keys.key_set()
        source.clock.advance(1.0)

    assert source.fetches <= 2 * 25


async def test_closing_begins_no_attempt_to_make_up_for_another() -> None:
    source = Source()
    source.answer = FROZEN
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


async def frozen_for(seconds: float) -> tuple[list[str], int]:
    """Ask three times at once while `seconds` pass by the clock, and the issuer is silent once."""
    clock = FakeClock()
    published = Published(timeout=0.5, clock=clock)
    published.documents.pause()
    waiting = asyncio.create_task(published.verify_all([published.issuer.token()] * 3))
    await run_pending_tasks()
    clock.advance(seconds)
    # Only what is asked for from now on is answered.
    published.documents.hang()
    return await asyncio.wait_for(waiting, 60.0), published.fetches


@pytest.mark.parametrize("seconds", [0.5, 6.0, 86_400.0])
async def test_a_process_that_was_frozen_in_a_fetch_asks_once_more_and_serves(
    seconds: float,
) -> None:
    assert await frozen_for(seconds) == (["alice"] * 3, 2)


async def test_an_issuer_that_is_silent_is_not_asked_once_more() -> None:
    assert await frozen_for(0.01) == (["keys_unavailable"] * 3, 1)


@pytest.mark.parametrize("fault", [DOWN, RuntimeError("s3cret"), TimeoutError()], ids=repr)
async def test_a_connection_that_died_while_the_process_was_frozen_counts_as_interrupted(
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


async def test_a_fetch_that_outlives_the_frozen_time_is_good() -> None:
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
async def test_a_gap_of_a_third_of_the_deadline_is_an_interruption(
    seconds: float, clock: Callable[[], float], interrupted: bool
) -> None:
    watch = SuspensionDetector(5.0, clock)

    with watch:
        if isinstance(clock, FakeClock):
            clock.advance(seconds)

    assert watch.suspended is interrupted
