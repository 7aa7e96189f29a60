"""Random histories of requests, rotations, outages and time, checked against a model after each
step."""

import asyncio
import json
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from asgi_bearer.keys import Document
from asgi_bearer.testing import FakeIssuer, SigningKey, signing_key
from tests.support.published_keys import DOWN, Published, run_pending_tasks

SERVE_STALE = 3600.0
COOL_DOWN = 10.0
SHORTEST_DUE = 48.0
"""In seconds: four fifths of the shortest lifetime."""

LONGEST_PAUSE = 48.0
"""In seconds, without jitter."""

LIFETIMES: list[tuple[str, float]] = [
    ("", 600.0),
    ("no-store", 60.0),
    ("max-age=0", 60.0),
    ("max-age=61", 61.0),
    ("max-age=100", 100.0),
    ("public, max-age=3600", 3600.0),
    ("max-age=10000000", 86_400.0),
    ("max-age=never", 60.0),
]

NONSENSE: list[object] = [
    DOWN,
    b"",
    b"<html>",
    b'{"keys":[{"kty":"EC",',
    {"keys": []},
    {"keys": [None]},
    {"keys": [{"kty": "RSA", "n": "AQ", "e": "AQAB"}]},
    RuntimeError("unknown"),
    TimeoutError(),
]

TIMES = [0.5, 1.0, 5.0, 9.5, 10.0, 48.0, 60.0, 130.0, 481.0, 601.0, 4200.0, 1e6]


@dataclass(frozen=True)
class Attempt:
    """A fetch as the issuer sees it."""

    at: float
    good: bool
    lifetime: float = 0.0


class History(RuleBasedStateMachine):
    """One API, one issuer, and a model that knows only what the issuer answered and when."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.published = Published()
        self.issuer_is_up = True
        self.keys_made = 1
        self.current: list[SigningKey] = [self.published.issuer.key]
        self.all_keys: list[SigningKey] = list(self.current)
        self.cached: list[SigningKey] = []
        self.attempts: list[Attempt] = []
        self.cache_control, self.lifetime = LIFETIMES[0]
        self.has_etag = False
        self.publish()

    def teardown(self) -> None:
        self.loop.run_until_complete(self.published.keys.aclose())
        self.loop.close()

    @property
    def now(self) -> float:
        return self.published.clock.now

    @property
    def last_good(self) -> Attempt | None:
        return next((attempt for attempt in reversed(self.attempts) if attempt.good), None)

    @property
    def state(self) -> str:
        """The state that the source must report while no fetch is running."""
        good = self.last_good
        if good is None:
            return "never"
        age = self.now - good.at
        if age < good.lifetime:
            return "fresh"
        return "stale" if age < good.lifetime + SERVE_STALE else "expired"

    @property
    def pause(self) -> float:
        """The seconds left of the back-off after the last failures."""
        failures = 0
        for attempt in reversed(self.attempts):
            if attempt.good:
                break
            failures += 1
        if not failures:
            return 0.0
        over_at = self.attempts[-1].at + min(2.0 ** (failures - 1), LONGEST_PAUSE)
        return max(0.0, over_at - self.now)

    @property
    def due_in(self) -> float:
        """The seconds until the current keys are due for a refresh, without the back-off."""
        good = self.last_good
        if self.attempts and not self.attempts[-1].good:
            return 0.0
        return max(0.0, good.at + 0.8 * good.lifetime - self.now) if good is not None else 0.0

    @property
    def may_fetch(self) -> bool:
        """Whether a miss must cause a fetch: no cool-down and no back-off is running."""
        since = self.now - self.attempts[-1].at if self.attempts else COOL_DOWN
        return self.issuer_is_up and since >= COOL_DOWN and not self.pause

    @property
    def refusal_of_an_unknown_key(self) -> str:
        """`keys_unavailable` if the last fetch failed: the issuer may have published the key
        since."""
        return "key_not_found" if self.attempts[-1].good else "keys_unavailable"

    def publish(self) -> None:
        """Publish the current keys; the entity tag changes with them."""
        headers = {"cache-control": self.cache_control}
        if self.has_etag:
            headers["etag"] = f'"{self.keys_made}-{len(self.current)}"'
        document = {"keys": [key.jwk() for key in self.current]}
        self.published.serve(Document(json.dumps(document).encode(), headers))

    def record_fetches(self) -> None:
        """Add the fetches since the last call to the model."""
        new = self.published.fetches - len(self.attempts)
        self.attempts += [Attempt(self.now, self.issuer_is_up, self.lifetime)] * new
        if new and self.issuer_is_up:
            self.cached = list(self.current)

    async def answers(self, tokens: list[str]) -> list[str]:
        outcomes = await self.published.verify_all(tokens)
        await run_pending_tasks()
        return outcomes

    def request(self, *tokens: str) -> list[str]:
        """Verify `tokens` at once, and record the fetches that this causes."""
        outcomes = self.loop.run_until_complete(self.answers(list(tokens)))
        self.record_fetches()
        return outcomes

    def token(self, key: SigningKey) -> str:
        return FakeIssuer(key=key, clock=self.published.clock).token()

    @rule(count=st.integers(1, 5))
    def requests_with_a_published_key(self, count: int) -> None:
        key = self.published.issuer.key
        serves = self.state in ("fresh", "stale")
        known = key in self.cached
        good = (known and serves) or self.may_fetch

        outcomes = self.request(*[self.token(key)] * count)

        assert len(set(outcomes)) == 1
        if good:
            assert outcomes[0] == "alice"
        elif not self.issuer_is_up:
            assert outcomes[0] != "alice"
        if outcomes[0] != "alice" and not serves:
            assert outcomes[0] == "keys_unavailable"

    @rule(count=st.integers(1, 5), step=st.integers(0, 10**6))
    def requests_with_unknown_keys(self, count: int, step: int) -> None:
        outcomes = self.request(*self.published.unknown_tokens(count, f"{step}-"))

        assert set(outcomes) == {self.refusal_of_an_unknown_key}

    @rule(count=st.integers(1, 5))
    def the_same_unknown_key_again(self, count: int) -> None:
        outcomes = self.request(*self.published.unknown_tokens(1, "again") * count)

        assert set(outcomes) == {self.refusal_of_an_unknown_key}

    @rule(count=st.integers(1, 5))
    def requests_with_forged_signatures(self, count: int) -> None:
        """`keys_unavailable` without keys; `key_not_found` if the key id is not in the current
        set."""
        outcomes = self.request(*self.published.forged_tokens(count))

        assert set(outcomes) <= {"signature_invalid", "key_not_found", "keys_unavailable"}

    @rule(seconds=st.sampled_from(TIMES))
    def requests_of_all_kinds_after_a_while(self, seconds: float) -> None:
        self.published.clock.advance(seconds)
        key = self.published.issuer.key
        good = (key in self.cached and self.state in ("fresh", "stale")) or self.may_fetch
        bad = [*self.published.unknown_tokens(3), *self.published.forged_tokens(3)]

        outcomes = self.request(*bad, self.token(key), self.token(key))

        assert "alice" not in outcomes[:6]
        if good:
            assert outcomes[6:] == ["alice"] * 2

    @precondition(lambda self: not set(self.all_keys) <= {*self.current, *self.cached})
    @rule(data=st.data())
    def a_request_with_a_withdrawn_key_that_is_no_longer_cached(self, data: st.DataObject) -> None:
        gone = [key for key in self.all_keys if key not in self.current and key not in self.cached]

        assert "alice" not in self.request(self.token(data.draw(st.sampled_from(gone))))

    @rule(seconds=st.sampled_from(TIMES))
    def time_passes(self, seconds: float) -> None:
        self.published.clock.advance(seconds)

    def change_keys(self, keeps_old: bool, same_kid: bool) -> None:
        self.keys_made += 1
        old = self.published.issuer.key
        new = signing_key("ES256", old.kid if same_kid else f"k{self.keys_made}", self.keys_made)
        self.current = [new, old] if keeps_old else [new]
        self.all_keys.append(new)
        self.published.issuer.key = new
        if self.issuer_is_up:
            self.publish()

    @rule(keeps_old=st.booleans(), same_kid=st.booleans())
    def the_issuer_rotates(self, keeps_old: bool, same_kid: bool) -> None:
        self.change_keys(keeps_old, same_kid)

    @precondition(lambda self: self.issuer_is_up)
    @rule(keeps_old=st.booleans(), same_kid=st.booleans())
    def the_issuer_rotates_while_keys_are_fetched(self, keeps_old: bool, same_kid: bool) -> None:
        """The first fetch returns the old keys; a token of the new key is accepted nevertheless.

        The exception is a first fetch that an earlier rotation caused, because it used up the
        cool-down.
        """
        key = self.published.issuer.key
        may_fetch = self.may_fetch and (key in self.cached or self.due_in == 0.0)
        before = self.token(key)

        async def at_once() -> list[str]:
            self.published.documents.pause()
            early = asyncio.create_task(self.published.verify_all([before]))
            await run_pending_tasks()
            self.record_fetches()
            self.change_keys(keeps_old, same_kid)
            new = [self.token(self.published.issuer.key)] * 3
            late = asyncio.create_task(self.published.verify_all(new))
            await run_pending_tasks()
            self.published.documents.resume()
            await early
            return await late

        outcomes = self.loop.run_until_complete(at_once())
        self.loop.run_until_complete(run_pending_tasks())
        self.record_fetches()

        assert len(set(outcomes)) == 1
        if may_fetch:
            assert outcomes[0] == "alice"

    @rule(lifetime=st.sampled_from(LIFETIMES), has_etag=st.booleans())
    def the_issuer_gives_another_lifetime(
        self, lifetime: tuple[str, float], has_etag: bool
    ) -> None:
        self.cache_control, self.lifetime = lifetime
        self.has_etag = has_etag
        if self.issuer_is_up:
            self.publish()

    @rule(answer=st.sampled_from(NONSENSE))
    def the_issuer_fails(self, answer: object) -> None:
        self.issuer_is_up = False
        self.published.serve(answer)

    @rule()
    def the_issuer_recovers(self) -> None:
        self.issuer_is_up = True
        self.publish()

    @precondition(lambda self: self.issuer_is_up)
    @rule(count=st.integers(1, 3), same_kid=st.booleans())
    def after_the_longest_pause_a_rotation_costs_nothing(self, count: int, same_kid: bool) -> None:
        self.published.clock.advance(LONGEST_PAUSE)
        self.change_keys(keeps_old=False, same_kid=same_kid)
        before = len(self.attempts)

        outcomes = self.request(*[self.token(self.published.issuer.key)] * count)

        assert outcomes == ["alice"] * count
        assert len(self.attempts) - before == 1

    @rule()
    def the_process_starts_or_stops(self) -> None:
        """Warming fetches the keys only if they are due."""
        due = self.due_in == 0.0 and not self.pause
        before = len(self.attempts)

        async def warm() -> None:
            self.published.verifier.warm()
            await run_pending_tasks()

        self.loop.run_until_complete(warm())
        self.record_fetches()

        assert len(self.attempts) - before == due

    @invariant()
    def pauses_after_failures_double(self) -> None:
        failures = 0
        for earlier, later in pairwise(self.attempts):
            failures = 0 if earlier.good else failures + 1
            pause = min(2.0 ** (failures - 1), LONGEST_PAUSE) if failures else 0.0
            assert later.at - earlier.at >= pause

    @invariant()
    def good_fetches_are_few(self) -> None:
        """In any period: one fetch per cool-down for each kind of miss, and one per refresh."""
        good = [attempt.at for attempt in self.attempts if attempt.good]
        for first, begin in enumerate(good):
            for last, end in enumerate(good[first:], start=first):
                time = end - begin
                allowed = 2 * (1 + time // COOL_DOWN) + 1 + time // SHORTEST_DUE
                assert last - first + 1 <= allowed

    @invariant()
    def the_status_is_true(self) -> None:
        status, good = self.published.keys.status(), self.last_good

        assert status.state == self.state
        assert status.age == (None if good is None else self.now - good.at)
        serves = 0.0 if good is None else good.at + good.lifetime + SERVE_STALE - self.now
        assert abs(status.serves - max(0.0, serves)) < 1e-3
        assert (status.fault is None) == (not self.attempts or self.attempts[-1].good)
        assert abs(status.next_attempt - max(self.pause, self.due_in)) < 1e-3

    @invariant()
    def the_counts_are_those_of_the_issuer(self) -> None:
        counts = self.published.keys.status().counts

        goods = sum(attempt.good for attempt in self.attempts)
        assert counts.get("fetched", 0) + counts.get("unchanged", 0) == goods
        assert counts.get("failed", 0) == len(self.attempts) - goods
        added, removed = counts.get("key_added", 0), counts.get("key_removed", 0)
        assert added - removed == len(self.cached)


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=100, stateful_step_count=40)
