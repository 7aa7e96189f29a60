"""When keys are fetched and how long they serve: the policy of a remote key source.

       fetched          refresh due       end of lifetime      last good set ends
          |------- fresh ---|------ fresh -------|------ stale ---------|--- expired
requests:   served            served, one fetch    served, one fetch      wait, or 503
                              runs behind them     runs behind them
unknown     one fetch per cool-down, else 401    | one fetch, else 503
key id:
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from asgi_bearer.errors import KeysUnavailable
from asgi_bearer.keys.fetch import FetchFailed
from asgi_bearer.keys.flight import SingleFlight
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.limits import BackOff, CoolDown
from asgi_bearer.keys.source import Missed

logger = logging.getLogger("asgi_bearer.keys")


@dataclass(frozen=True, slots=True)
class Lifetime:
    """How long a fetched set serves, in seconds after it was fetched.

    Arguments:
        refresh_due: from here on it is fetched again behind the requests.
        fresh: until here, what is not in the set does not exist.
        serving: until here it serves, though the issuer cannot be reached.
    """

    refresh_due: float
    fresh: float
    serving: float


@dataclass(frozen=True, slots=True)
class KeySetStatus:
    """How a key source fares.

    Arguments:
        state: `never` (nothing was ever fetched), `fresh`, `stale` (past its lifetime, still
            serving) or `expired` (serving no longer).
        age: seconds since the set was fetched, None if it never was.
    """

    state: Literal["never", "fresh", "stale", "expired"]
    age: float | None


@dataclass(frozen=True, slots=True)
class _Held:
    key_set: KeySet
    fetched_at: float


class CachedKeys:
    """A `KeySource` that fetches rarely, waits seldom and keeps what was good.

    Arguments:
        fetch: gets the keys; whatever it raises is a failed attempt.
        clock: seconds from any fixed point, never going back.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[KeySet]],
        *,
        clock: Callable[[], float],
        lifetime: Lifetime,
        cool_down: CoolDown,
        back_off: BackOff,
    ) -> None:
        self._fetch = fetch
        self._clock = clock
        self._lifetime = lifetime
        self._cool_down = cool_down
        self._back_off = back_off
        self._flight = SingleFlight()
        self._held: _Held | None = None
        self._fault = "not fetched yet"

    async def key_set(self, missed: Missed | None = None) -> KeySet:
        """See `KeySource`. Waits only if there is no set that serves, or for newer keys."""
        now = self._clock()
        held = self._held
        age = now - held.fetched_at if held is not None else 0.0
        if held is None or age >= self._lifetime.serving:
            return await self._first(now)
        if missed is None:
            if age >= self._lifetime.refresh_due and not self._back_off.remaining(now):
                self._flight.start(partial(self._refresh, None))
            return held.key_set
        if held.key_set is not missed.key_set:
            return held.key_set
        return await self._newer(held, missed, now)

    def status(self) -> KeySetStatus:
        """Return how the source fares now."""
        if self._held is None:
            return KeySetStatus("never", None)
        age = self._clock() - self._held.fetched_at
        if age >= self._lifetime.serving:
            return KeySetStatus("expired", age)
        return KeySetStatus("fresh" if age < self._lifetime.fresh else "stale", age)

    async def aclose(self) -> None:
        """End a fetch that is under way. The source can be used again afterwards."""
        await self._flight.aclose()

    async def _first(self, now: float) -> KeySet:
        pause = self._back_off.remaining(now)
        if pause:
            raise KeysUnavailable(self._fault, retry_after=pause)
        return await self._flight.join(partial(self._refresh, None))

    async def _newer(self, held: _Held, missed: Missed, now: float) -> KeySet:
        fault = self._fault
        try:
            if self._flight.running:
                newer = await self._flight.join(partial(self._refresh, missed))
                if newer is not missed.key_set:
                    return newer
                # That fetch may have begun before the issuer published the key.
                held, now = self._held or held, self._clock()
            if self._flight.running or self._may_fetch(missed, now):
                return await self._flight.join(partial(self._refresh, missed))
        except KeysUnavailable as err:
            now, fault = self._clock(), err.reason
        if now - held.fetched_at < self._lifetime.fresh:
            return held.key_set
        raise KeysUnavailable(fault, retry_after=self._back_off.remaining(now))

    def _may_fetch(self, missed: Missed, now: float) -> bool:
        over = self._cool_down.is_over(now, unknown_kid=missed.unknown_kid)
        return over and not self._back_off.remaining(now)

    async def _refresh(self, missed: Missed | None) -> KeySet:
        try:
            key_set = await self._fetch()
        except Exception as err:
            # Whatever went wrong, known or not, the set that was good stays.
            pause = self._back_off.failed(self._clock())
            # The words of an error that is not ours may quote anything.
            self._fault = str(err) if isinstance(err, FetchFailed) else type(err).__name__
            logger.warning("keys not fetched, next try in %.0f s: %s", pause, self._fault)
            raise KeysUnavailable(self._fault, retry_after=pause) from err
        now = self._clock()
        self._back_off.succeeded()
        if missed is not None:
            self._cool_down.start(now, unknown_kid=missed.unknown_kid)
        if self._held is not None and self._held.key_set == key_set:
            # The same object says that nothing changed.
            key_set = self._held.key_set
        else:
            logger.info("keys fetched: %d usable", len(key_set.keys))
        self._held = _Held(key_set, now)
        return key_set
