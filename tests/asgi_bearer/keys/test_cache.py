"""When keys are fetched and how long they serve, by a fake clock."""

import logging

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import CachedKeys, FetchFailed, KeySet, Missed
from asgi_bearer.keys.freshness import Fetched
from asgi_bearer.keys.jwk import key_set_from
from asgi_bearer.keys.limits import BackOff, CoolDown
from asgi_bearer.keys.observe import log_key_events
from tests.asgi_bearer.keys.published import settled
from tests.fake_issuer import FakeClock, signing_key


def numbered(number: int) -> KeySet:
    return key_set_from({"keys": [signing_key("ES256", f"k{number}", number).jwk()]})[0]


class Source:
    """A `CachedKeys` whose set is due at 80 s, stale at 100, expired at 500."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.brings: KeySet | Exception = numbered(1)
        self.fetches = 0
        self.chance = 0.0
        self.keys = CachedKeys(
            self._fetch,
            serve_stale=400.0,
            cool_down=CoolDown(10.0, random=self._random),
            back_off=BackOff(shortest=1.0, longest=60.0, random=self._random),
            observer=log_key_events,
            clock=self.clock,
            random=self._random,
        )

    async def _fetch(self) -> Fetched:
        self.fetches += 1
        if isinstance(self.brings, Exception):
            raise self.brings
        return Fetched(self.brings, lifetime=100.0)

    def _random(self) -> float:
        return self.chance

    async def aged(self, seconds: float) -> KeySet:
        """Fetch, and let `seconds` pass."""
        key_set = await self.keys.key_set()
        self.clock.advance(seconds)
        return key_set


async def test_nothing_is_fetched_before_the_first_request() -> None:
    source = Source()

    assert (source.keys.status().state, source.keys.status().age) == ("never", None)
    assert source.fetches == 0


async def test_the_first_request_waits_for_a_fetch() -> None:
    source = Source()

    assert await source.keys.key_set() == numbered(1)
    assert source.fetches == 1


@pytest.mark.parametrize(
    ("age", "state", "fetches"),
    [
        (0.0, "fresh", 1),
        (79.9, "fresh", 1),
        (80.0, "fresh", 2),
        (99.9, "fresh", 2),
        (100.0, "stale", 2),
        (499.9, "stale", 2),
    ],
)
async def test_a_set_that_serves_is_served_at_once_and_fetched_again_behind_the_request(
    age: float, state: str, fetches: int
) -> None:
    source = Source()
    old = await source.aged(age)
    source.brings = numbered(2)

    assert source.keys.status().state == state
    assert source.keys.status().age == pytest.approx(age)
    assert await source.keys.key_set() is old
    await settled()

    assert source.fetches == fetches
    assert await source.keys.key_set() == numbered(fetches)


@pytest.mark.parametrize("age", [500.0, 1e6])
async def test_a_set_that_serves_no_longer_is_waited_for(age: float) -> None:
    source = Source()
    await source.aged(age)
    source.brings = numbered(2)

    assert source.keys.status().state == "expired"
    assert await source.keys.key_set() == numbered(2)
    assert (source.keys.status().state, source.keys.status().age) == ("fresh", 0.0)


async def test_a_thousand_requests_for_an_old_set_cause_one_fetch() -> None:
    source = Source()
    await source.aged(90.0)

    for _ in range(1000):
        await source.keys.key_set()
    await settled()

    assert source.fetches == 2


async def test_a_set_with_the_same_keys_stays_the_same_object_and_is_young_again() -> None:
    source = Source()
    old = await source.aged(90.0)
    source.brings = numbered(1)

    await source.keys.key_set()
    await settled()

    assert await source.keys.key_set() is old
    assert source.keys.status().age == 0.0


@pytest.mark.parametrize("unknown_kid", ["k2", None])
async def test_a_caller_that_missed_gets_newer_keys(unknown_kid: str | None) -> None:
    """Row 85."""
    source = Source()
    old = await source.aged(1.0)
    source.brings = numbered(2)

    assert await source.keys.key_set(Missed(old, unknown_kid)) == numbered(2)
    assert source.fetches == 2


async def test_a_caller_that_missed_with_a_set_since_replaced_causes_no_fetch() -> None:
    """Row 85."""
    source = Source()
    old = await source.aged(1.0)
    source.brings = numbered(2)
    newer = await source.keys.key_set(Missed(old, unknown_kid="k2"))

    for _ in range(100):
        assert await source.keys.key_set(Missed(old, unknown_kid="k2")) is newer

    assert source.fetches == 2


async def test_a_caller_that_missed_with_a_set_refreshed_since_causes_no_fetch() -> None:
    """Row 85."""
    source = Source()
    old = await source.aged(90.0)
    source.brings = numbered(2)
    await source.keys.key_set()
    await settled()

    assert await source.keys.key_set(Missed(old, unknown_kid="k2")) == numbered(2)
    assert source.fetches == 2


async def test_the_very_set_that_was_seen_says_that_there_are_no_newer_keys() -> None:
    source = Source()
    old = await source.aged(1.0)

    assert await source.keys.key_set(Missed(old, unknown_kid="k2")) is old


@pytest.mark.parametrize(("later", "fetches"), [(0.0, 2), (9.9, 2), (10.0, 3), (79.0, 3)], ids=str)
async def test_misses_cause_one_fetch_per_cool_down(later: float, fetches: int) -> None:
    """Row 86."""
    source = Source()
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid="k2"))
    source.clock.advance(later)

    for _ in range(100):
        await source.keys.key_set(Missed(old, unknown_kid="k2"))

    assert source.fetches == fetches


async def test_the_two_kinds_of_miss_do_not_use_up_each_others_fetch() -> None:
    """Row 91."""
    source = Source()
    old = await source.keys.key_set()
    await source.keys.key_set(Missed(old, unknown_kid=None))
    source.brings = numbered(2)

    assert await source.keys.key_set(Missed(old, unknown_kid="k2")) == numbered(2)


async def test_a_miss_with_a_fresh_set_gets_that_set_if_the_fetch_fails() -> None:
    source = Source()
    old = await source.aged(50.0)
    source.brings = FetchFailed("down")

    assert await source.keys.key_set(Missed(old, unknown_kid="k2")) is old


async def test_a_miss_with_a_stale_set_is_not_judged_if_the_fetch_fails() -> None:
    """Row 86."""
    source = Source()
    old = await source.aged(100.0)
    source.brings = FetchFailed("down")

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set(Missed(old, unknown_kid="k2"))

    assert refused.value.retry_after == 1.0


async def test_a_miss_with_a_stale_set_is_not_judged_during_a_pause() -> None:
    """Rows 86 and 87."""
    source = Source()
    old = await source.aged(100.0)
    source.brings = FetchFailed("down")
    await source.keys.key_set()
    await settled()

    source.clock.advance(0.75)

    for _ in range(100):
        with pytest.raises(KeysUnavailable, match="down") as refused:
            await source.keys.key_set(Missed(old, unknown_kid="k2"))
        assert refused.value.retry_after == pytest.approx(0.25)

    assert source.fetches == 2


async def test_a_miss_with_a_set_that_expired_meanwhile_waits_for_another() -> None:
    source = Source()
    old = await source.aged(500.0)
    source.brings = numbered(2)

    assert await source.keys.key_set(Missed(old, unknown_kid="k2")) == numbered(2)


async def test_without_keys_failures_are_tried_again_after_growing_pauses() -> None:
    """Row 87."""
    source = Source()
    source.brings = FetchFailed("down")
    pauses: list[float] = []

    for _ in range(8):
        with pytest.raises(KeysUnavailable) as refused:
            await source.keys.key_set()
        pauses.append(refused.value.retry_after)
        source.clock.advance(refused.value.retry_after)

    assert pauses == [1, 2, 4, 8, 16, 32, 48, 48]
    assert source.fetches == 8


async def test_during_a_pause_the_answer_says_how_much_of_it_is_left() -> None:
    source = Source()
    source.brings = FetchFailed("down")
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    source.clock.advance(0.75)

    with pytest.raises(KeysUnavailable, match="down") as refused:
        await source.keys.key_set()

    assert refused.value.retry_after == pytest.approx(0.25)
    assert source.fetches == 1


async def test_the_first_attempt_after_the_pause_recovers() -> None:
    """Row 87."""
    source = Source()
    source.brings = FetchFailed("down")
    with pytest.raises(KeysUnavailable):
        await source.keys.key_set()
    source.brings = numbered(1)
    source.clock.advance(1.0)

    assert await source.keys.key_set() == numbered(1)


FAULTS: list[tuple[Exception, str]] = [
    (FetchFailed("no answer"), "no answer"),
    (RuntimeError("Bearer s3cret"), "RuntimeError"),
    (MemoryError("s3cret"), "MemoryError"),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS, ids=["ours", "unknown", "memory"])
async def test_any_failure_keeps_the_good_set_and_is_logged_without_foreign_words(
    fault: Exception, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 90."""
    source = Source()
    old = await source.aged(90.0)
    source.brings = fault

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        await source.keys.key_set()
        await settled()

    assert await source.keys.key_set() is old
    assert caplog.messages == [
        f"keys not fetched, serving for another 410 s, next attempt in 1 s: {words}"
    ]


async def test_fetched_keys_are_logged_once_per_change(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source()

    with caplog.at_level(logging.INFO, "asgi_bearer"):
        for _ in range(3):
            await source.aged(90.0)
            await settled()

    assert caplog.messages == ["keys fetched", "key added: kid 'k1'"]


async def test_after_closing_the_source_can_be_used_again() -> None:
    source = Source()
    old = await source.aged(90.0)

    await source.keys.aclose()

    assert await source.keys.key_set() is old
    await source.keys.aclose()
