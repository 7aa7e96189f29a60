"""When keys are fetched and how long they serve: the policy of a remote key source.

       fetched          refresh due       end of lifetime      last good set ends
          |------- fresh ---|------ fresh -------|------ stale ---------|--- expired
requests:   served            served, one fetch    served, one fetch      wait, or 503
                              runs behind them     runs behind them
unknown     one fetch per cool-down, else 401    | one fetch, else 503
key id:
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Protocol, get_args

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.fetch import FetchFailed
from asgi_bearer.keys.flight import SingleFlight
from asgi_bearer.keys.freshness import Fetched
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.limits import BackOff, CoolDown
from asgi_bearer.keys.observe import (
    EventKind,
    KeyEvent,
    KeyObserver,
    KeySetState,
    KeySetStatus,
    logger,
)
from asgi_bearer.keys.source import Missed

_REFRESH_DUE = 0.8
_JITTER = 0.05
"""Shares of a lifetime: a refresh is due from 75 to 80 % of it, by chance, so that processes which
started together do not ask together."""


class FetchKeys(Protocol):
    """One attempt to get the keys."""

    async def __call__(self, *, doubted: bool) -> Fetched:
        """Return them; `doubted` says that a key was missing where they were found before."""
        ...


@dataclass(frozen=True, slots=True)
class _Held:
    """A set, and the times at which that changes what it is good for."""

    key_set: KeySet
    fetched_at: float
    refresh_due_at: float
    stale_at: float
    expired_at: float


class CachedKeys:
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
    ) -> None:
        self._fetch = fetch
        self._serve_stale = serve_stale
        self._cool_down = cool_down
        self._back_off = back_off
        self._observer = observer
        self._clock = clock
        self._random = random
        self._flight = SingleFlight()
        self._held: _Held | None = None
        self._fault: str | None = None
        self._remark: str | None = None
        self._unsatisfied = False
        self._counts: dict[EventKind, int] = dict.fromkeys(get_args(EventKind), 0)
        self._told: set[EventKind] = set()

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """See `KeySource`. Waits only if there is no set that serves, or for newer keys."""
        if missed is None and (key_set := self.at_hand()) is not None:
            return key_set
        now, held = self._clock(), self._held
        if missed is None or held is None or now >= held.expired_at:
            return await self._first(now)
        if held.key_set is not missed.key_set:
            return held.key_set
        return await self._newer(missed, now)

    def at_hand(self) -> KeySet | None:
        """See `AtHand`. A refresh that is due begins behind whoever asks."""
        now, held = self._clock(), self._held
        if held is not None and now < held.refresh_due_at and not self._fault:
            return held.key_set
        if held is None or now >= held.expired_at:
            return None
        if now >= held.stale_at:
            self._tell_once("stale")
        self.warm()
        return held.key_set

    def status(self) -> KeySetStatus:
        """Return how the source fares now."""
        return self._status(refreshing=self._flight.under_way)

    def warm(self) -> None:
        """Begin to fetch behind everything, unless there is a set that needs no refresh."""
        now = self._clock()
        if now >= self._due_at(now) and not self._back_off.remaining(now):
            self._flight.start(partial(self._refresh, None))

    async def aclose(self) -> None:
        """End a fetch that is under way. The source can be used again afterwards."""
        await self._flight.aclose()

    def _status(self, *, refreshing: bool) -> KeySetStatus:
        now, held = self._clock(), self._held
        state: KeySetState = "never"
        age, serves = None, 0.0
        if held is not None:
            age, serves = now - held.fetched_at, max(0.0, held.expired_at - now)
            if now >= held.expired_at:
                state = "expired"
            elif now >= held.stale_at:
                state = "stale"
            else:
                state = "refreshing" if refreshing else "fresh"
        waits = 0.0 if refreshing else max(self._back_off.remaining(now), self._due_at(now) - now)
        counts = MappingProxyType(dict(self._counts))
        return KeySetStatus(state, age, serves, self._fault or self._remark, waits, counts)

    def _due_at(self, now: float) -> float:
        # After a failure the next attempt is due as soon as its pause is over: what caused it may
        # have been a token of a new key.
        return now if self._held is None or self._fault else self._held.refresh_due_at

    async def _first(self, now: float) -> KeySet:
        if self._held is not None:
            self._tell_once("expired")
        pause = self._back_off.remaining(now)
        if pause:
            raise KeysUnavailable(self._fault or "", retry_after=pause)
        return await self._flight.join(partial(self._refresh, None))

    async def _newer(self, missed: Missed, now: float) -> KeySet:
        if self._flight.running:
            newer = await self._flight.join(partial(self._refresh, missed))
            if newer is not missed.key_set:
                return newer
            # That fetch may have begun before the issuer published the key.
            now = self._clock()
        pause = self._back_off.remaining(now)
        if pause:
            # A refusal would have clients throw away a token of a key that came with the outage.
            raise KeysUnavailable(self._fault or "", retry_after=pause)
        free = self._fault or self._cool_down.is_over(now, unknown_kid=missed.unknown_kid)
        if free or self._flight.running:
            return await self._flight.join(partial(self._refresh, missed))
        self._tell_once("flood_limited")
        return missed.key_set

    async def _refresh(self, missed: Missed | None) -> KeySet:
        try:
            fetched = await self._fetch(doubted=self._unsatisfied)
        except (Exception, asyncio.CancelledError) as err:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Whatever went wrong, known or not, the set that was good stays.
            now = self._clock()
            pause = self._back_off.failed(now)
            if missed is not None:
                # Or an issuer that fails now and then would have a fetch for each failure.
                self._cool_down.start(now, unknown_kid=missed.unknown_kid)
            # The words of an error that is not ours may quote anything.
            self._fault = str(err) if isinstance(err, FetchFailed) else type(err).__name__
            self._tell("failed", reason=self._fault)
            raise KeysUnavailable(self._fault, retry_after=pause) from err
        return self._hold(fetched, missed)

    def _hold(self, fetched: Fetched, missed: Missed | None) -> KeySet:
        now = self._clock()
        key_set = fetched.key_set
        before = self._held.key_set if self._held is not None else KeySet(())
        old, new = set(before.keys), set(key_set.keys)
        if old == new:
            # The same object says that nothing changed.
            key_set = before
        self._back_off.succeeded()
        self._fault, self._remark = None, fetched.remark
        self._told.clear()
        # The key that a token names may be at another address by now.
        self._unsatisfied = missed is not None and missed.unknown_kid and key_set is before
        if missed is not None:
            self._cool_down.start(now, unknown_kid=missed.unknown_kid)
        stale_at = now + fetched.lifetime
        self._held = _Held(
            key_set,
            fetched_at=now,
            refresh_due_at=now + fetched.lifetime * (_REFRESH_DUE - _JITTER * self._random()),
            stale_at=stale_at,
            expired_at=stale_at + self._serve_stale,
        )
        self._tell("unchanged" if key_set is before else "fetched")
        for key in fetched.key_set.keys:
            if key not in old:
                self._tell("key_added", kid=key.kid)
        for key in before.keys:
            if key not in new:
                self._tell("key_removed", kid=key.kid)
        return key_set

    def _tell_once(self, kind: EventKind) -> None:
        """Tell of `kind` unless it was told since keys were fetched."""
        if kind not in self._told:
            self._told.add(kind)
            self._tell(kind, reason=self._fault or "")

    def _tell(self, kind: EventKind, *, kid: str | None = None, reason: str = "") -> None:
        self._counts[kind] += 1
        try:
            # What is told within a fetch is what comes of it.
            self._observer(KeyEvent(kind, kid, reason), self._status(refreshing=False))
        except Exception as err:
            # Nobody's metrics may cost a request; the message may quote anything.
            logger.error("an observer of keys failed: %s", type(err).__name__)
