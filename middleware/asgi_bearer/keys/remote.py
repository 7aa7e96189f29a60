"""`RemoteKeys`: caches an issuer's keys, decides when to fetch, serves stale keys in an outage.

       fetched          refresh due       end of lifetime      end of stale keys
          |------- fresh ---|------ fresh -------|------ stale ---------|--- expired
requests:   served            served, one fetch    served, one fetch      wait, or 503
                              in the background    in the background
unknown     one fetch per cool-down, else 401    | one fetch, else 503
key id:
"""

import asyncio
import math
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import MappingProxyType
from typing import Final, Protocol

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.events import Events, KeyObserver, KeySetState, KeySetStatus
from asgi_bearer.keys.freshness import CachedKeySet, Fetched
from asgi_bearer.keys.http import FetchFailed, Interrupted
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.schedule import BackOff, CoolDown, FetchSchedule, random_fraction, read_clock
from asgi_bearer.keys.single_flight import NotOnAsyncio, SingleFlight
from asgi_bearer.keys.source import Missed

_REFRESH_DUE: Final = 0.8
_JITTER: Final = 0.05
"""Fractions of the lifetime. A refresh is due at a random time from 75 to 80 % of it, so that
processes that started together do not fetch together."""

_CLOCK_IS_WRONG: Final = "the clock of the key source went back, or returns no valid time"


class FetchKeys(Protocol):
    """One attempt to fetch the keys."""

    async def __call__(self, *, rediscover: bool) -> Fetched:
        """Return the keys; `rediscover` says that they may have moved to another URL."""
        ...


class RemoteKeys:
    """A `KeySource` that fetches keys in the background and serves stale keys in an outage.

    Use it in one event loop at a time.

    Arguments:
        fetch: fetches the keys; any exception is a failed attempt.
        serve_stale: seconds for which stale keys are used.
        cool_down: limits the fetches for tokens that do not verify.
        back_off: pauses after failed attempts.
        observer: receives the events.
        clock: seconds from any fixed point, never going back.
        random: returns a number from 0 to 1.
        steady: measures the pauses while `clock` is wrong.
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
        self._schedule = FetchSchedule(back_off, random=random, steady=steady)
        # Events are emitted within the fetch, and their status is the one after it.
        self._events = Events(observer, partial(self._status, refreshing=False))
        self._clock = clock
        self._random = random
        self._flight = SingleFlight()
        self._cached: CachedKeySet | None = None
        self._fault: str | None = None
        self._warning: str | None = None
        self._left_out: tuple[str, ...] = ()
        self._kid_still_unknown = False

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """See `KeySource`. Waits only if there are no usable keys, or for newer keys."""
        cached = self._cached
        if missed is None and cached is not None and not self._fault:
            # Nearly every call ends here. A custom clock may raise or return anything; NaN fails
            # the comparison.
            try:
                if cached.fetched_at <= self._clock() < cached.refresh_due_at:
                    return cached.key_set
            except Exception:
                return await self._first_key_set(math.nan)
        now = read_clock(self._clock)
        if cached is None or not cached.is_usable(now):
            return await self._first_key_set(now)
        if missed is None:
            return self._refreshed_behind(cached, now)
        if cached.key_set is not missed.key_set:
            return cached.key_set
        return await self._newer_key_set(missed, now)

    def _refreshed_behind(self, cached: CachedKeySet, now: float) -> KeySet:
        """Return keys that are due for a refresh, and start it in the background."""
        if now >= cached.stale_at:
            self._events.emit_once("stale", self._fault)
        with suppress(NotOnAsyncio):
            self.warm()
        return cached.key_set

    def status(self) -> KeySetStatus:
        """Return the current status."""
        return self._status(refreshing=self._flight.is_running)

    def warm(self) -> None:
        """Start a fetch in the background if one is due.

        Raises:
            KeysUnavailable: no asyncio event loop is running; that is logged once as an error.
        """
        now, cached = read_clock(self._clock), self._cached
        # After a failure the next attempt is due when the pause is over, because a token with a new
        # key may be waiting for it.
        due = cached is None or self._fault or now >= cached.refresh_due_at
        if due and not self._schedule.pause(now):
            self._flight.start(partial(self._refresh, None))

    async def aclose(self) -> None:
        """Cancel a running fetch. The key source can be used again afterwards."""
        self._schedule.retry_allowed = False
        await self._flight.aclose()

    def _status(self, *, refreshing: bool) -> KeySetStatus:
        now, cached = read_clock(self._clock), self._cached
        state: KeySetState = "never"
        age, serves, due_in = None, 0.0, 0.0
        if cached is not None:
            state = "expired"
            if cached.fetched_at <= now:
                age = now - cached.fetched_at
            if cached.is_usable(now):
                serves = cached.expired_at - now
                due_in = 0.0 if self._fault else cached.refresh_due_at - now
                state = "refreshing" if refreshing else "fresh"
                if now >= cached.stale_at:
                    state = "stale"
        pause = 0.0 if self._schedule.retry_allowed and not serves else self._schedule.pause(now)
        waits = 0.0 if refreshing else max(pause, due_in)
        fault = self._reason(now) or self._warning
        counts = MappingProxyType(dict(self._events.counts))
        return KeySetStatus(state, age, serves, fault, waits, counts, self._left_out)

    def _reason(self, now: float) -> str | None:
        """Return why there are no newer keys, or None."""
        return _CLOCK_IS_WRONG if self._schedule.clock_is_wrong(now) else self._fault

    async def _first_key_set(self, now: float) -> KeySet:
        if self._cached is not None:
            self._events.emit_once("expired", self._reason(now))
        self._refuse_during_pause(now)
        return await self._joined(None)

    async def _newer_key_set(self, missed: Missed, now: float) -> KeySet:
        if self._flight.is_running_here:
            newer = await self._joined(missed)
            if newer is not missed.key_set:
                return newer
            # That fetch may have begun before the issuer published the key.
            now = read_clock(self._clock)
        # 503, not 401: the token may have a new key, and a client would throw it away after a 401.
        self._refuse_during_pause(now)
        allowed = self._fault or self._cool_down.is_over(now, unknown_kid=missed.unknown_kid)
        if allowed or self._flight.is_running_here:
            return await self._joined(missed)
        self._events.emit_once("flood_limited")
        return missed.key_set

    def _refuse_during_pause(self, now: float) -> None:
        """Raise during a pause, unless an attempt is running or a retry is allowed."""
        pause = self._schedule.pause(now)
        if pause and not self._schedule.retry_allowed and not self._flight.is_running_here:
            raise KeysUnavailable(self._reason(now) or "", retry_after=pause)

    async def _joined(self, missed: Missed | None) -> KeySet:
        """Wait for the running attempt or a new one. If it was interrupted, wait for one retry."""
        attempt = partial(self._refresh, missed)
        try:
            return await self._flight.join(attempt)
        except KeysUnavailable:
            if not self._schedule.retry_allowed and not self._flight.is_running_here:
                raise
        return await self._flight.join(attempt)

    async def _refresh(self, missed: Missed | None) -> KeySet:
        self._schedule.begin(read_clock(self._clock))
        try:
            fetched = await self._fetch(rediscover=self._kid_still_unknown)
        except (Exception, asyncio.CancelledError) as err:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # After any failure the cached keys stay.
            now = read_clock(self._clock)
            pause = self._schedule.failed(now, interrupted=isinstance(err, Interrupted))
            if missed is not None:
                # Otherwise bad tokens could cause a fetch after each failure.
                self._cool_down.start(now, unknown_kid=missed.unknown_kid)
            # The message of any other exception may quote secrets.
            self._fault = str(err) if isinstance(err, FetchFailed) else type(err).__name__
            self._events.emit("failed", reason=self._fault)
            raise KeysUnavailable(self._fault, retry_after=pause) from err
        return self._store(fetched, missed)

    def _store(self, fetched: Fetched, missed: Missed | None) -> KeySet:
        now = self._schedule.succeeded(read_clock(self._clock))
        key_set = fetched.key_set
        before = self._cached.key_set if self._cached is not None else KeySet(())
        old, new = set(before.keys), set(key_set.keys)
        if old == new:
            # The same object means that there are no newer keys.
            key_set = before
        self._fault, self._warning = None, fetched.warning
        self._left_out = fetched.left_out
        self._events.reset()
        # The missing key may be at another URL, so the next fetch rediscovers it.
        self._kid_still_unknown = missed is not None and missed.unknown_kid and key_set is before
        if missed is not None:
            self._cool_down.start(now, unknown_kid=missed.unknown_kid)
        refresh_due = _REFRESH_DUE - _JITTER * random_fraction(self._random)
        stale_at = now + fetched.lifetime
        self._cached = CachedKeySet(
            key_set,
            fetched_at=now,
            refresh_due_at=now + refresh_due * fetched.lifetime,
            stale_at=stale_at,
            expired_at=stale_at + self._serve_stale,
        )
        self._events.emit("unchanged" if key_set is before else "fetched")
        for key in fetched.key_set.keys:
            if key not in old:
                self._events.emit("key_added", kid=key.kid)
        for key in before.keys:
            if key not in new:
                self._events.emit("key_removed", kid=key.kid)
        return key_set
