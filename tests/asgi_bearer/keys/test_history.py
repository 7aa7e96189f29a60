"""Any history of requests, rotations, outages and time: what must hold after each step."""

import asyncio
from dataclasses import dataclass

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.asgi_bearer.keys.published import DOWN, Published, settled
from tests.fake_issuer import FakeIssuer, SigningKey, signing_key

SERVING = 4200.0
COOL_DOWN = 10.0
NONSENSE: list[object] = [DOWN, b"<html>", {"keys": []}, {"keys": [None]}, RuntimeError("unknown")]


@dataclass(frozen=True)
class Attempt:
    """A fetch, seen from the issuer."""

    at: float
    good: bool


class History(RuleBasedStateMachine):
    """One API, one issuer, and a model that only knows what the issuer answered when."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.published = Published()
        self.up = True
        self.current: list[SigningKey] = [self.published.issuer.key]
        self.withdrawn: list[SigningKey] = []
        self.held: list[SigningKey] = []
        self.attempts: list[Attempt] = []
        self.made = 1

    def teardown(self) -> None:
        self.loop.run_until_complete(self.published.keys.aclose())
        self.loop.close()

    @property
    def now(self) -> float:
        return self.published.clock.now

    @property
    def last_good(self) -> float | None:
        return next((attempt.at for attempt in reversed(self.attempts) if attempt.good), None)

    def request(self, *tokens: str) -> list[str]:
        """Make requests at once, and note what they made the issuer answer."""

        async def answers() -> list[str]:
            outcomes = await self.published.outcomes(list(tokens))
            await settled()
            return outcomes

        outcomes = self.loop.run_until_complete(answers())
        new = self.published.fetches - len(self.attempts)
        self.attempts += [Attempt(self.now, self.up)] * new
        if new and self.up:
            self.held = list(self.current)
        return outcomes

    def token(self, key: SigningKey) -> str:
        return FakeIssuer(key=key, clock=self.published.clock).token()

    @rule(count=st.integers(1, 5))
    def requests_with_a_published_key(self, count: int) -> None:
        key = self.published.issuer.key
        known = key in self.held
        serves = self.last_good is not None and self.now - self.last_good < SERVING

        outcomes = self.request(*[self.token(key)] * count)

        assert len(set(outcomes)) == 1
        if known and serves:
            assert outcomes[0] == "alice"
        if not self.up and not (known and serves):
            assert outcomes[0] != "alice"

    @rule(count=st.integers(1, 5))
    def requests_with_unknown_keys(self, count: int) -> None:
        assert "alice" not in self.request(*self.published.unknown(count))

    @rule(count=st.integers(1, 5))
    def requests_with_forged_signatures(self, count: int) -> None:
        assert "alice" not in self.request(*self.published.forged(count))

    @precondition(lambda self: self.withdrawn)
    @rule()
    def a_request_with_a_withdrawn_key(self) -> None:
        key = self.withdrawn[-1]
        known = key in self.held

        if not known:
            assert "alice" not in self.request(self.token(key))

    @rule(seconds=st.sampled_from([0.5, 1.0, 5.0, 9.9, 10.0, 60.0, 130.0, 481.0, 601.0, 4200.0]))
    def time_passes(self, seconds: float) -> None:
        self.published.clock.advance(seconds)

    @rule(keeps_old=st.booleans(), same_kid=st.booleans())
    def the_issuer_rotates(self, keeps_old: bool, same_kid: bool) -> None:
        self.made += 1
        old = self.published.issuer.key
        kid = old.kid if same_kid else f"k{self.made}"
        new = signing_key("ES256", kid, self.made)
        self.current = [new, old] if keeps_old else [new]
        self.withdrawn = [] if keeps_old else [*self.withdrawn, old]
        self.published.issuer.key = new
        if self.up:
            self.published.publish(*self.current[1:])

    @rule(answer=st.sampled_from(NONSENSE))
    def the_issuer_fails(self, answer: object) -> None:
        self.up = False
        self.published.serve(answer)

    @rule()
    def the_issuer_recovers(self) -> None:
        self.up = True
        self.published.publish(*self.current[1:])

    @rule(count=st.integers(1, 3))
    def after_a_cool_down_without_failures_every_published_key_is_good(self, count: int) -> None:
        if not self.up or not self.held:
            return
        self.published.clock.advance(70.0)  # Longer than the cool-down and any pause.

        outcomes = self.request(*[self.token(self.published.issuer.key)] * count)

        assert outcomes == ["alice"] * count

    @invariant()
    def pauses_after_failures_grow(self) -> None:
        failures = 0
        for earlier, later in zip(self.attempts, self.attempts[1:], strict=False):
            failures = 0 if earlier.good else failures + 1
            pause = min(2.0 ** (failures - 1), 60.0) if failures else 0.0
            assert later.at - earlier.at >= pause

    @invariant()
    def good_fetches_are_few(self) -> None:
        """One for unknown ids, one for bad signatures, one because it was due."""
        good = [attempt.at for attempt in self.attempts if attempt.good]
        for first, fourth in zip(good, good[3:], strict=False):
            assert fourth - first >= COOL_DOWN


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=30,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
