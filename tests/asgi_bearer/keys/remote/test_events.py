"""Key events: the observer gets each once and in order, and the log shows them at the right
level."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import (
    FetchFailed,
    KeyEvent,
    KeySet,
    KeySetStatus,
    Missed,
    log_key_events,
)
from asgi_bearer.keys.events import EventKind
from asgi_bearer.testing import signing_key
from tests.support.published_keys import DOWN, Published, run_pending_tasks
from tests.support.remote_keys import Source, numbered_keys, request_keys

Story = Callable[[Source], Awaitable[None]]


async def a_first_fetch(source: Source) -> None:
    await request_keys(source)


async def several_keys(source: Source) -> None:
    source.answer = numbered_keys(1, 2)
    await request_keys(source)


async def the_same_keys(source: Source) -> None:
    await source.fetch_and_wait(90.0)
    await request_keys(source)


async def the_same_keys_in_another_order(source: Source) -> None:
    source.answer = numbered_keys(1, 2)
    await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(2, 1)
    await request_keys(source)


async def a_rotation(source: Source) -> None:
    await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(2)
    await request_keys(source)


async def a_rotation_that_keeps_the_old_key(source: Source) -> None:
    await source.fetch_and_wait(90.0)
    source.answer = numbered_keys(1, 2)
    await request_keys(source)


async def another_key_with_the_same_id(source: Source) -> None:
    await source.fetch_and_wait(90.0)
    source.answer = KeySet.from_jwks({"keys": [signing_key("ES256", "k1", 2).jwk()]})
    await request_keys(source)


async def a_key_without_an_id(source: Source) -> None:
    source.answer = KeySet.from_jwks({"keys": [signing_key("ES256", None, 2).jwk()]})
    await request_keys(source)


async def a_failure(source: Source) -> None:
    await source.fetch_and_wait(90.0)
    source.answer = FetchFailed("down")
    for _ in range(100):
        await request_keys(source)


async def a_set_that_went_stale_unused(source: Source) -> None:
    await source.fetch_and_wait(100.0)
    for _ in range(100):
        await request_keys(source)


async def a_set_that_expired_unused(source: Source) -> None:
    await source.fetch_and_wait(1e6)
    for _ in range(100):
        await request_keys(source)


async def an_outage(source: Source) -> None:
    await source.fetch_and_wait(100.0)
    source.answer = FetchFailed("down")
    for _ in range(3):
        for _ in range(100):
            await request_keys(source)
        source.clock.advance(250.0)


async def two_outages(source: Source) -> None:
    for _ in range(2):
        source.answer = numbered_keys(1)
        await source.fetch_and_wait(100.0)
        source.answer = FetchFailed("down")
        await request_keys(source)
        source.answer = numbered_keys(1)
        source.clock.advance(1.0)
        await request_keys(source)


async def a_flood(source: Source) -> None:
    old = await source.keys.key_set()
    for _ in range(100):
        await request_keys(source, Missed(old, unknown_kid=True))


async def a_flood_in_two_cool_downs(source: Source) -> None:
    await a_flood(source)
    source.clock.advance(10.0)
    await a_flood(source)


async def a_flood_of_bad_signatures(source: Source) -> None:
    old = await source.keys.key_set()
    for _ in range(100):
        await request_keys(source, Missed(old, unknown_kid=False))


FIRST = ["fetched", "key_added k1"]
STORIES: list[tuple[Story, list[str]]] = [
    (a_first_fetch, FIRST),
    (several_keys, ["fetched", "key_added k1", "key_added k2"]),
    (the_same_keys, [*FIRST, "unchanged"]),
    (the_same_keys_in_another_order, ["fetched", "key_added k1", "key_added k2", "unchanged"]),
    (a_rotation, [*FIRST, "fetched", "key_added k2", "key_removed k1"]),
    (a_rotation_that_keeps_the_old_key, [*FIRST, "fetched", "key_added k2"]),
    (another_key_with_the_same_id, [*FIRST, "fetched", "key_added k1", "key_removed k1"]),
    (a_key_without_an_id, ["fetched", "key_added"]),
    (a_failure, [*FIRST, "failed: down"]),
    (a_set_that_went_stale_unused, [*FIRST, "stale", "unchanged"]),
    (a_set_that_expired_unused, [*FIRST, "expired", "unchanged"]),
    (
        an_outage,
        [*FIRST, "stale", "failed: down", "failed: down", "expired: down", "failed: down"],
    ),
    (two_outages, [*FIRST, *["stale", "failed: down", "unchanged"] * 2]),
    (a_flood, [*FIRST, "unchanged", "flood_limited"]),
    (a_flood_in_two_cool_downs, [*FIRST, *["unchanged", "flood_limited"] * 2]),
    (a_flood_of_bad_signatures, [*FIRST, "unchanged", "flood_limited"]),
]


@pytest.mark.parametrize(("story", "expected"), STORIES, ids=[row[0].__name__ for row in STORIES])
async def test_the_observer_gets_each_event_once_and_in_order(
    story: Story, expected: list[str]
) -> None:
    source = Source()

    await story(source)

    assert [
        event.kind
        + (f" {event.kid}" if event.kid else "")
        + (f": {event.reason}" * bool(event.reason))
        for event, _ in source.events
    ] == expected
    counts = source.keys.status().counts
    assert counts == {kind: source.event_kinds.count(kind) for kind in counts}


@pytest.mark.conforms("failed fetches are repeated with a growing pause")
async def test_a_flood_during_the_back_off_is_not_reported_as_flood_limited() -> None:
    """The back-off, not the flood, delays the fetch."""
    source = Source()
    old = await source.keys.key_set()
    source.answer = FetchFailed("down")
    for _ in range(100):
        await request_keys(source, Missed(old, unknown_kid=True))

    assert source.event_kinds == ["fetched", "key_added", "failed"]


async def test_the_observer_of_a_failure_sees_the_back_off_in_the_status() -> None:
    """The status no longer counts the fetch as running."""
    source = Source()
    await source.fetch_and_wait(90.0)
    source.answer = FetchFailed("down")
    for _ in range(3):
        await request_keys(source)
        source.clock.advance(source.keys.status().next_attempt)

    failures = [status for event, status in source.events if event.kind == "failed"]

    assert [(status.state, status.next_attempt) for status in failures] == [
        ("fresh", 1.0),
        ("fresh", 2.0),
        ("fresh", 4.0),
    ]
    assert [(status.fault, status.counts["failed"]) for status in failures] == [
        ("down", 1),
        ("down", 2),
        ("down", 3),
    ]


async def test_the_observer_of_a_fetch_sees_the_status_after_the_fetch() -> None:
    source = Source()
    source.answer = FetchFailed("down")
    await request_keys(source)
    source.clock.advance(1.0)
    source.answer = numbered_keys(1)
    await request_keys(source)

    event, status = source.events[1]

    assert event.kind == "fetched"
    assert (status.state, status.serves, status.fault) == ("fresh", 500.0, None)
    assert (status.counts["failed"], status.counts["fetched"]) == (1, 1)


async def test_the_observer_sees_how_long_a_stale_set_still_serves() -> None:
    source = Source()
    await source.fetch_and_wait(100.0)
    source.answer = FetchFailed("down")
    await request_keys(source)
    source.clock.advance(400.0)
    await request_keys(source)

    ends = [(e.kind, s.state, s.serves) for e, s in source.events if e.kind in ("stale", "expired")]

    assert ends == [("stale", "stale", 400.0), ("expired", "expired", 0.0)]


@pytest.mark.parametrize("story", [row[0] for row in STORIES], ids=lambda story: story.__name__)
async def test_an_observer_that_raises_changes_nothing_and_its_message_is_not_logged(
    story: Story, caplog: pytest.LogCaptureFixture
) -> None:
    calm, source = Source(), Source()

    def failing_observer(event: KeyEvent, status: KeySetStatus) -> None:
        raise RuntimeError("Bearer s3cret")

    calm.observer = lambda event, status: None
    source.observer = failing_observer
    await story(calm)
    await story(source)

    assert source.fetches == calm.fetches
    assert source.events == calm.events
    assert source.keys.status() == calm.keys.status()
    assert caplog.messages == ["the observer of the key source raised RuntimeError"] * len(
        source.events
    )
    assert {record.levelname for record in caplog.records} == {"ERROR"}
    assert "s3cret" not in caplog.text


async def test_waiting_callers_get_their_keys_if_the_observer_raises() -> None:
    source = Source()

    def failing_observer(event: KeyEvent, status: KeySetStatus) -> None:
        raise RuntimeError("s3cret")

    source.observer = failing_observer
    source.answer = FetchFailed("down")
    with pytest.raises(KeysUnavailable, match="down"):
        await source.keys.key_set()
    source.clock.advance(1.0)
    source.answer = numbered_keys(1)

    assert (
        await asyncio.gather(*(source.keys.key_set() for _ in range(100)))
        == [numbered_keys(1)] * 100
    )


@pytest.mark.parametrize(
    ("kind", "reason", "serves", "level"),
    [
        ("failed", "down", 4200.0, logging.WARNING),
        ("failed", "down", 1800.5, logging.WARNING),
        ("failed", "down", 1800.0, logging.ERROR),
        ("failed", "down", 0.5, logging.ERROR),
        ("failed", "down", 0.0, logging.CRITICAL),
        ("stale", "down", 3600.0, logging.WARNING),
        ("stale", "down", 600.0, logging.ERROR),
        ("stale", "", 3600.0, logging.INFO),
        ("stale", "", 600.0, logging.INFO),
        ("expired", "down", 0.0, logging.CRITICAL),
        ("expired", "", 0.0, logging.INFO),
        ("flood_limited", "", 4200.0, logging.WARNING),
        ("fetched", "", 4200.0, logging.INFO),
        ("unchanged", "", 4200.0, logging.DEBUG),
        ("key_added", "", 4200.0, logging.INFO),
        ("key_removed", "", 4200.0, logging.INFO),
    ],
)
def test_each_kind_of_event_is_logged_at_its_level(
    kind: EventKind, reason: str, serves: float, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "asgi_bearer.keys"):
        log_key_events(KeyEvent(kind, None, reason), status(serves))

    assert [(record.name, record.levelno) for record in caplog.records] == [
        ("asgi_bearer.keys", level)
    ]


def status(serves: float) -> KeySetStatus:
    """Return a status with `serves`; the other values fit any event."""
    return KeySetStatus("stale", 700.0, serves, "down", 4.4, {})


@pytest.mark.conforms("kid is treated as hostile text")
@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (
            KeyEvent("failed", reason="down"),
            "keys not fetched, usable for another 3500 s, next attempt in 4 s: down",
        ),
        (
            KeyEvent("stale", reason="down"),
            "keys stale, usable for another 3500 s, next attempt in 4 s: down",
        ),
        (
            KeyEvent("expired"),
            "keys expired, usable for another 3500 s, next attempt in 4 s: no request needed them",
        ),
        (KeyEvent("flood_limited"), "too many tokens do not verify: no fetch of keys"),
        (KeyEvent("fetched"), "keys fetched"),
        (KeyEvent("unchanged"), "keys unchanged"),
        (KeyEvent("key_added", "k1"), "key added: kid 'k1'"),
        (KeyEvent("key_removed", None), "key removed: kid None"),
        (KeyEvent("key_added", "k1\r\nforged line"), r"key added: kid 'k1\r\nforged line'"),
        (KeyEvent("key_added", "x" * 1000), f"key added: kid '{'x' * 63}..."),
    ],
)
def test_an_event_is_logged_in_one_line(
    event: KeyEvent, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "asgi_bearer.keys"):
        log_key_events(event, status(3500.0))

    assert len(caplog.messages) == 1
    assert caplog.messages[0].startswith(sentence)
    assert "\n" not in caplog.messages[0]


@pytest.mark.conforms("the last good key set serves within its bound")
async def test_the_log_level_rises_while_the_last_good_set_nears_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With the default settings, the set expires after 4200 s."""
    published = Published()
    await published.verify()
    published.serve(DOWN)
    began = published.clock.now
    levels: dict[float, str] = {}
    for age in range(480, 4800, 60):
        published.clock.now = began + age
        caplog.clear()
        await published.verify_all([published.issuer.token()])
        await run_pending_tasks()
        for record in caplog.records:
            if record.message.startswith("keys not fetched"):
                levels[age] = record.levelname

    assert {level for age, level in levels.items() if age < 2400} == {"WARNING"}
    assert {level for age, level in levels.items() if 2400 <= age < 4200} == {"ERROR"}
    assert {level for age, level in levels.items() if age >= 4200} == {"CRITICAL"}
    assert len(levels) == 72


async def test_events_contain_no_token_and_no_key(
    caplog: pytest.LogCaptureFixture,
) -> None:
    expected: list[tuple[KeyEvent, KeySetStatus]] = []

    def observer(event: KeyEvent, status: KeySetStatus) -> None:
        log_key_events(event, status)
        expected.append((event, status))

    published = Published(observer=observer)
    tokens = [
        published.issuer.token(),
        *published.unknown_tokens(5),
        *published.forged_tokens(5),
    ]
    secrets = [part for token in tokens for part in token.split(".")[1:]]
    with caplog.at_level(logging.DEBUG, "asgi_bearer"):
        for answer in (None, DOWN, RuntimeError(tokens[0]), b"s3cret", {"keys": [{"k": "s3cret"}]}):
            if answer is not None:
                published.serve(answer)
            await published.verify_all(tokens)
            published.clock.advance(5000.0)
        published.rotate()
        secrets += [published.issuer.key.jwk()["x"], published.issuer.key.jwk()["y"], "s3cret"]
        await published.verify_all(tokens)

    assert {event.kind for event, _ in expected} >= {"fetched", "failed", "expired", "key_removed"}
    output = caplog.text + repr(expected) + repr(published.keys.status())
    assert not [secret for secret in secrets if secret in output]
