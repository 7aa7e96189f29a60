"""A `RemoteKeys` with a fake clock, fetching what the test tells it to fetch."""

from contextlib import suppress

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys import (
    KeyEvent,
    KeyObserver,
    KeySet,
    KeySetStatus,
    Missed,
    RemoteKeys,
    log_key_events,
)
from asgi_bearer.keys.freshness import Fetched
from asgi_bearer.keys.schedule import BackOff, CoolDown
from asgi_bearer.testing import FakeClock, signing_key
from tests.support.published_keys import Pausable, run_pending_tasks


def numbered_keys(*numbers: int) -> KeySet:
    """Return a set of the keys with these numbers; key 1 has the id `k1`."""
    keys = [signing_key("ES256", f"k{number}", number).jwk() for number in numbers]
    return KeySet.from_jwks({"keys": keys})


class Source(Pausable):
    """A `RemoteKeys` whose keys are due for a refresh after 80 s, stale after 100 s, expired after
    500 s."""

    def __init__(self, clock: FakeClock | None = None) -> None:
        self.clock = clock or FakeClock()
        self.steady = FakeClock(0.0)
        self.answer: KeySet | Exception = numbered_keys(1)
        self.lifetime = 100.0
        self.fetches = 0
        self.rediscover_flags: list[bool] = []
        self.warning: str | None = None
        self.left_out: tuple[str, ...] = ()
        self.chance = 0.0
        self.events: list[tuple[KeyEvent, KeySetStatus]] = []
        self.observer: KeyObserver = log_key_events
        self.keys = RemoteKeys(
            self._fetch,
            serve_stale=400.0,
            cool_down=CoolDown(10.0),
            back_off=BackOff(shortest=1.0, longest=60.0, random=self._random),
            observer=self._observe,
            clock=self.clock,
            random=self._random,
            steady=self.steady,
        )

    async def _fetch(self, *, rediscover: bool) -> Fetched:
        self.fetches += 1
        self.rediscover_flags.append(rediscover)
        answer, lifetime = self.answer, self.lifetime
        await self.wait_while_paused()
        if isinstance(answer, Exception):
            raise answer
        return Fetched(answer, lifetime, self.warning, self.left_out)

    def _random(self) -> float:
        return self.chance

    def _observe(self, event: KeyEvent, status: KeySetStatus) -> None:
        self.events.append((event, status))
        self.observer(event, status)

    @property
    def event_kinds(self) -> list[str]:
        """The kinds of the events so far, in order."""
        return [event.kind for event, _ in self.events]

    async def fetch_and_wait(self, seconds: float) -> KeySet:
        """Fetch the keys, and let `seconds` pass."""
        key_set = await self.keys.key_set()
        self.clock.advance(seconds)
        return key_set


async def request_keys(source: Source, missed: Missed | None = None) -> None:
    """Ask for the keys once, and wait for the fetch that this starts."""
    with suppress(KeysUnavailable):
        await source.keys.key_set(missed)
    await run_pending_tasks()
