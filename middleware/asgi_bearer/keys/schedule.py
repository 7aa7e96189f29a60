"""When keys may be fetched: cool-down for tokens that do not verify, back-off after failures.

Pure arithmetic; time and random numbers are arguments. A broken clock reads as NaN. Each comparison
is written so that NaN, or a clock that went back, makes no key usable, and blocks no fetch once the
clock is right again.
"""

import math
from collections.abc import Callable
from typing import Final

from asgi_bearer.jose.encoding import is_number

_JITTER: Final = 0.25
"""The largest random fraction added to a pause, so that processes do not fetch at the same time."""


def read_clock(clock: Callable[[], object]) -> float:
    """Return the time of `clock`, or NaN if it is not a finite number."""
    try:
        now = clock()
        return float(now) if is_number(now) and math.isfinite(now) else math.nan
    except Exception:  # A custom clock may raise anything.
        return math.nan


def random_fraction(random: Callable[[], float]) -> float:
    """Return the number from `random`, or 0 if it is not from 0 to 1."""
    fraction = read_clock(random)
    return fraction if 0 <= fraction <= 1 else 0.0


class BackOff:
    """A pause after each failed fetch, twice as long as the one before, plus jitter.

    Arguments:
        shortest, longest: bounds of the pause, in seconds.
        random: returns a number from 0 to 1.
    """

    def __init__(self, *, shortest: float, longest: float, random: Callable[[], float]) -> None:
        self._shortest = shortest
        self._longest = longest / (1 + _JITTER)
        self._random = random
        self._pause = 0.0
        self._length = 0.0
        self._began_at = 0.0

    def remaining(self, now: float) -> float:
        """Return the seconds until the next fetch is allowed, 0 if it is allowed now.

        If `now` is NaN, return the whole pause. If the clock went back before the pause began,
        the pause is over.
        """
        if not self._pause:
            return 0.0
        if math.isnan(now):
            return self._length
        ends_at = self._began_at + self._length
        return max(0.0, ends_at - now) if self._began_at <= now else 0.0

    def failed(self, now: float) -> float:
        """Start a pause and return its length in seconds."""
        self._pause = min(max(self._pause * 2, self._shortest), self._longest)
        self._length = self._pause * (1 + _JITTER * random_fraction(self._random))
        self._began_at = now
        return self._length

    def is_ahead(self, now: float) -> bool:
        """Return whether the clock went back since the last failure."""
        return bool(self._pause) and now < self._began_at

    def succeeded(self) -> None:
        """Reset the pause after a success."""
        self._pause = 0.0


class CoolDown:
    """Allows one fetch per window for tokens that do not verify.

    Unknown key ids and bad signatures have separate windows. Anybody can forge a token of the one
    kind, and that must not delay a fetch for the other kind, which may show a key rotation. Only a
    fetch for such a token starts a window, so the first one after any other fetch is allowed.

    Refused key ids are not stored: forged ids would fill the memory, and an attacker could block
    the id of a future key in advance.

    Arguments:
        seconds: length of a window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began_at: dict[bool, float] = {}

    def is_over(self, now: float, *, unknown_kid: bool) -> bool:
        """Return whether such a token may cause a fetch; False if `now` is NaN."""
        began_at = self._began_at.get(unknown_kid, math.nan)
        return not (math.isnan(now) or began_at <= now < began_at + self._seconds)

    def start(self, now: float, *, unknown_kid: bool) -> None:
        """Start a window: such a token has caused a fetch."""
        self._began_at[unknown_kid] = now


class FetchSchedule:
    """Decides when an attempt to fetch may start.

    After a failure there is a pause, with two exceptions. If the process was suspended during an
    attempt, one retry is allowed at once, for requests that wait. If the clock is wrong (it is NaN
    or has gone back), it cannot measure a pause, so `steady` measures pauses between attempts.

    Arguments:
        back_off: the pauses after failures.
        random: returns a number from 0 to 1.
        steady: a clock that cannot be configured; seconds from any fixed point.

    Attributes:
        retry_allowed: whether the retry after a suspended attempt is still to be made.
    """

    def __init__(
        self, back_off: BackOff, *, random: Callable[[], float], steady: Callable[[], float]
    ) -> None:
        self.retry_allowed = False
        self._back_off = back_off
        self._wrong_clock_back_off = BackOff(shortest=1.0, longest=60.0, random=random)
        self._steady = steady
        self._fetched_at = math.nan
        self._began_at = math.nan
        self._clock_was_wrong = False
        self._is_retry = False

    def clock_is_wrong(self, now: float) -> bool:
        """Return whether `now` is NaN, or earlier than a time that the clock has shown before."""
        return math.isnan(now) or now < self._fetched_at or self._back_off.is_ahead(now)

    def pause(self, now: float) -> float:
        """Return the seconds until the next attempt is allowed, 0 if it is allowed now."""
        if self.clock_is_wrong(now):
            return self._wrong_clock_back_off.remaining(self._steady())
        return self._back_off.remaining(now)

    def begin(self, now: float) -> None:
        """Record the start of an attempt."""
        self._began_at, self._clock_was_wrong = now, self.clock_is_wrong(now)
        # During a pause only the retry may start.
        self._is_retry, self.retry_allowed = self._back_off.remaining(now) > 0, False

    def failed(self, now: float, *, interrupted: bool) -> float:
        """Record a failed attempt and return the length of the pause in seconds."""
        self._end(now)
        self.retry_allowed = interrupted and not self._is_retry
        return self._back_off.failed(now)

    def succeeded(self, now: float) -> float:
        """Record a successful attempt and return the time at which its keys were fetched.

        If `now` is NaN, that is the time at which the attempt began.
        """
        self._end(now)
        self._back_off.succeeded()
        self._fetched_at = self._began_at if math.isnan(now) else now
        return self._fetched_at

    def _end(self, now: float) -> None:
        if self._clock_was_wrong or not self._began_at <= now:
            self._wrong_clock_back_off.failed(self._steady())
        else:
            self._wrong_clock_back_off.succeeded()
