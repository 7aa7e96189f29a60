"""When keys are fetched and how long they serve: the policy of a remote key source.

       fetched          refresh due       end of lifetime      last good set ends
          |------- fresh ---|------ fresh -------|------ stale ---------|--- expired
requests:   served            served, one fetch    served, one fetch      wait, or 503
                              runs behind them     runs behind them
unknown     one fetch per cool-down, else 401    | one fetch, else 503
key id:
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.events import Events, KeyObserver, KeySetState, KeySetStatus
from asgi_bearer.keys.freshness import Fetched, Held
from asgi_bearer.keys.http import FetchFailed, Interrupted
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.schedule import BackOff, CoolDown, Pace, chance, reading
from asgi_bearer.keys.single_flight import NotOnAsyncio, SingleFlight
from asgi_bearer.keys.source import Missed
from asgi_bearer.shortcut import beside

_ASTRAY: Final = "the clock of the key source went back, or answers nonsense"


class FetchKeys(Protocol):
    """One attempt to get the keys."""

    async def __call__(self, *, rediscover: bool) -> Fetched:
        """Return them; `rediscover` says that a key was missing where they were found before."""
        ...


class RemoteKeys:
    """A `KeySource` that fetches rarely, waits seldom and keeps what was good.

    It serves one event loop at a time.

    Arguments:
        fetch: gets the keys; whatever it raises is a failed attempt.
        cool_down: for tokens that do not verify.
        back_off: after failed attempts.
        observer: is told what happens.
        serve_stale: seconds past the end of its lifetime that the last good set serves.
        clock: seconds from any fixed point, never going back.
        random: returns a number from 0 to 1.
        steady: spaces attempts while `clock` went back or answers nonsense.
    """

    def __init__(
        self,
        fetch: FetchKeys,
        *,
        serve_stale: float,
        cool_down: CoolDown,
        back_off: BackOff,
        observer: KeyObserver,
        clock: Callable[[], float],
        random: Callable[[], float],
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._serve_stale = serve_stale
        self._cool_down = cool_down
        self._pace = Pace(back_off, random=random, steady=steady)
        # What is told within a fetch is what comes of it.
        self._events = Events(observer, partial(self._status, refreshing=False))
        self._clock = clock
        self._random = random
        self._flight = SingleFlight()
        self._held: Held | None = None
        self._fault: str | None = None
        self._warning: str | None = None
        self._left_out: tuple[str, ...] = ()
        self._unsatisfied = False

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """See `KeySource`. Waits only if there is no set that serves, or for newer keys."""
        if missed is None and (key_set := self.at_hand()) is not None:
            return key_set
        now, held = reading(self._clock), self._held
        if missed is None or held is None or not held.serves(now):
            return await self._first(now)
        if held.key_set is not missed.key_set:
            return held.key_set
        return await self._newer(missed, now)

    @beside(key_set)
    def at_hand(self) -> KeySet | None:
        """See `AtHand`. A refresh that is due begins behind whoever asks."""
        held = self._held
        if held is None:
            return None
        try:
            # Asked this way round, so that a clock that answers nonsense (NaN) has nothing at hand.
            now = self._clock()
            if held.fetched_at <= now < held.refresh_due_at and not self._fault:
                return held.key_set
            if not held.serves(now):
                return None
        except Exception:
            # Whatever it is: without a time, no set serves.
            return None
        if now >= held.stale_at:
            self._events.tell_once("stale", self._fault)
        with suppress(NotOnAsyncio):
            self.warm()
        return held.key_set

    def status(self) -> KeySetStatus:
        """Return how the source fares now."""
        return self._status(refreshing=self._flight.under_way)

    def warm(self) -> None:
        """Begin to fetch behind everything, unless there is a set that needs no refresh.

        Raises:
            KeysUnavailable: no event loop of asyncio runs here, which is logged once as an error.
        """
        now, held = reading(self._clock), self._held
        # After a failure the next attempt is due as soon as its pause is over: what caused it may
        # have been a token of a new key.
        due = held is None or self._fault or now >= held.refresh_due_at
        if due and not self._pace.pause(now):
            self._flight.start(partial(self._refresh, None))

    async def aclose(self) -> None:
        """End a fetch that is under way. The source can be used again afterwards."""
        self._pace.spare = False
        await self._flight.aclose()

    def _status(self, *, refreshing: bool) -> KeySetStatus:
        now, held = reading(self._clock), self._held
        state: KeySetState = "never"
        age, serves, due_in = None, 0.0, 0.0
        if held is not None:
            state = "expired"
            if held.fetched_at <= now:
                age = now - held.fetched_at
            if held.serves(now):
                serves = held.expired_at - now
                due_in = 0.0 if self._fault else held.refresh_due_at - now
                state = "refreshing" if refreshing else "fresh"
                if now >= held.stale_at:
                    state = "stale"
        pause = 0.0 if self._pace.spare and not serves else self._pace.pause(now)
        waits = 0.0 if refreshing else max(pause, due_in)
        fault = self._reason(now) or self._warning
        counts = MappingProxyType(dict(self._events.counts))
        return KeySetStatus(state, age, serves, fault, waits, counts, self._left_out)

    def _reason(self, now: float) -> str | None:
        """Return why there are no newer keys, None if nothing is wrong."""
        return _ASTRAY if self._pace.is_astray(now) else self._fault

    async def _first(self, now: float) -> KeySet:
        if self._held is not None:
            self._events.tell_once("expired", self._reason(now))
        self._rest(now)
        return await self._waited(None)

    async def _newer(self, missed: Missed, now: float) -> KeySet:
        if self._flight.running:
            newer = await self._waited(missed)
            if newer is not missed.key_set:
                return newer
            # That fetch may have begun before the issuer published the key.
            now = reading(self._clock)
        # A refusal would have clients throw away a token of a key that came with the outage.
        self._rest(now)
        free = self._fault or self._cool_down.is_over(now, unknown_kid=missed.unknown_kid)
        if free or self._flight.running:
            return await self._waited(missed)
        self._events.tell_once("flood_limited")
        return missed.key_set

    def _rest(self, now: float) -> None:
        """Refuse during a pause, unless an attempt is under way or to spare."""
        pause = self._pace.pause(now)
        if pause and not self._pace.spare and not self._flight.running:
            raise KeysUnavailable(self._reason(now) or "", retry_after=pause)

    async def _waited(self, missed: Missed | None) -> KeySet:
        """Wait for the attempt that is under way, or for a new one.

        Whoever waited for one that was interrupted waits for one more, which is the last.
        """
        attempt = partial(self._refresh, missed)
        try:
            return await self._flight.join(attempt)
        except KeysUnavailable:
            if not self._pace.spare and not self._flight.running:
                raise
        return await self._flight.join(attempt)

    async def _refresh(self, missed: Missed | None) -> KeySet:
        self._pace.begin(reading(self._clock))
        try:
            fetched = await self._fetch(rediscover=self._unsatisfied)
        except (Exception, asyncio.CancelledError) as err:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Whatever went wrong, known or not, the set that was good stays.
            now = reading(self._clock)
            pause = self._pace.failed(now, interrupted=isinstance(err, Interrupted))
            if missed is not None:
                # Or an issuer that fails now and then would have a fetch for each failure.
                self._cool_down.start(now, unknown_kid=missed.unknown_kid)
            # The words of an error that is not ours may quote anything.
            self._fault = str(err) if isinstance(err, FetchFailed) else type(err).__name__
            self._events.tell("failed", reason=self._fault)
            raise KeysUnavailable(self._fault, retry_after=pause) from err
        return self._hold(fetched, missed)

    def _hold(self, fetched: Fetched, missed: Missed | None) -> KeySet:
        now = self._pace.succeeded(reading(self._clock))
        key_set = fetched.key_set
        before = self._held.key_set if self._held is not None else KeySet(())
        old, new = set(before.keys), set(key_set.keys)
        if old == new:
            # The same object says that nothing changed.
            key_set = before
        self._fault, self._warning = None, fetched.warning
        self._left_out = fetched.left_out
        self._events.forget()
        # The key that a token names may be at another address by now.
        self._unsatisfied = missed is not None and missed.unknown_kid and key_set is before
        if missed is not None:
            self._cool_down.start(now, unknown_kid=missed.unknown_kid)
        self._held = Held.since(
            now,
            key_set,
            fetched.lifetime,
            serve_stale=self._serve_stale,
            chance=chance(self._random),
        )
        self._events.tell("unchanged" if key_set is before else "fetched")
        for key in fetched.key_set.keys:
            if key not in old:
                self._events.tell("key_added", kid=key.kid)
        for key in before.keys:
            if key not in new:
                self._events.tell("key_removed", kid=key.kid)
        return key_set
