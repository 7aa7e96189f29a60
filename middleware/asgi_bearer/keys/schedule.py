"""How often keys may be fetched: a cool-down for what callers can cause, a back-off for failures.

Plain arithmetic; time and chance come in as arguments. Either may be nonsense: a time that is none
is NaN here, and every comparison is written so that NaN, or a clock that went back, opens nothing
and locks nobody out once the clock is right again.
"""

import math
from collections.abc import Callable
from typing import Final

_SPREAD: Final = 0.25
"""Share of a pause that chance adds, so that many processes do not ask in step."""


def reading(clock: Callable[[], object]) -> float:
    """Return what `clock` says, NaN if that is no point in time."""
    try:
        now = clock()
        if isinstance(now, int | float) and not isinstance(now, bool) and math.isfinite(now):
            return float(now)
    except Exception:
        # Whatever a clock of somebody else's raises, there is no time then.
        return math.nan
    return math.nan


def chance(random: Callable[[], float]) -> float:
    """Return what `random` says, 0 if that is no number from 0 to 1."""
    share = reading(random)
    return share if 0 <= share <= 1 else 0.0


class BackOff:
    """A pause after each failed fetch, twice as long as the one before, spread by chance.

    Arguments:
        shortest, longest: bounds of the pause, in seconds.
        random: returns a number from 0 to 1.
    """

    def __init__(self, *, shortest: float, longest: float, random: Callable[[], float]) -> None:
        self._shortest = shortest
        self._longest = longest / (1 + _SPREAD)
        self._random = random
        self._pause = 0.0
        self._length = 0.0
        self._began_at = 0.0

    def remaining(self, now: float) -> float:
        """Return the seconds until the next fetch may be tried, 0 if it may be now.

        Without a time that is the whole pause; a pause that lies ahead is over.
        """
        if not self._pause:
            return 0.0
        if math.isnan(now):
            return self._length
        over_at = self._began_at + self._length
        return max(0.0, over_at - now) if self._began_at <= now else 0.0

    def failed(self, now: float) -> float:
        """Begin a pause and return its length in seconds."""
        self._pause = min(max(self._pause * 2, self._shortest), self._longest)
        self._length = self._pause * (1 + _SPREAD * chance(self._random))
        self._began_at = now
        return self._length

    def is_ahead(self, now: float) -> bool:
        """Return whether the clock went back since the last failure."""
        return bool(self._pause) and now < self._began_at

    def succeeded(self) -> None:
        """End the row of failures."""
        self._pause = 0.0


class CoolDown:
    """At most one fetch per window for tokens that do not verify.

    Unknown key ids and bad signatures have a window each, so that forging the one, which anybody
    can, does not delay the other, which is how a rotation is noticed. Only a fetch that was
    caused in this way starts a window: the first miss after any other fetch is free.

    Which ids were refused is not remembered: that would fill with made-up ones, and whoever
    guesses the id of the next key could have it refused in advance.

    Arguments:
        seconds: length of a window.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began_at: dict[bool, float] = {}

    def is_over(self, now: float, *, unknown_kid: bool) -> bool:
        """Return whether such a miss may cause a fetch: never without a time."""
        began_at = self._began_at.get(unknown_kid, math.nan)
        return not (math.isnan(now) or began_at <= now < began_at + self._seconds)

    def start(self, now: float, *, unknown_kid: bool) -> None:
        """Begin a window: such a miss has caused a fetch."""
        self._began_at[unknown_kid] = now


class Pace:
    """When an attempt may begin.

    After failures there are pauses. Two things override them. An attempt that was interrupted,
    because the process did not run, may be made up for by one more: for somebody who waits, and
    once. And while the clock is astray (it answers nonsense, or is behind what was seen of it) no
    pause can be measured by it, so another clock measures how long to wait between attempts.

    Arguments:
        back_off: the pauses after failures.
        random: returns a number from 0 to 1.
        steady: seconds from any fixed point, by a clock that nobody chose.

    Attributes:
        spare: an attempt was interrupted and is not made up for.
    """

    def __init__(
        self,
        back_off: BackOff,
        *,
        random: Callable[[], float],
        steady: Callable[[], float],
    ) -> None:
        self.spare = False
        self._back_off = back_off
        self._astray = BackOff(shortest=1.0, longest=60.0, random=random)
        self._steady = steady
        self._good_at = math.nan
        self._began_at = math.nan
        self._began_astray = False
        self._makes_up = False

    def is_astray(self, now: float) -> bool:
        """Return whether `now` is no time, or lies behind what was seen of the clock."""
        return math.isnan(now) or now < self._good_at or self._back_off.is_ahead(now)

    def pause(self, now: float) -> float:
        """Return the seconds until the next attempt, 0 if it may be now."""
        if self.is_astray(now):
            return self._astray.remaining(self._steady())
        return self._back_off.remaining(now)

    def begin(self, now: float) -> None:
        """Take note that an attempt begins."""
        self._began_at, self._began_astray = now, self.is_astray(now)
        # In a pause none begins but the one that makes up for another.
        self._makes_up, self.spare = self._back_off.remaining(now) > 0, False

    def failed(self, now: float, *, interrupted: bool) -> float:
        """Take note that the attempt failed, and return the length of the pause in seconds."""
        self._end(now)
        self.spare = interrupted and not self._makes_up
        return self._back_off.failed(now)

    def succeeded(self, now: float) -> float:
        """Take note that the attempt succeeded, and return since when its keys are good.

        That is when it began, if nobody can tell when it ended.
        """
        self._end(now)
        self._back_off.succeeded()
        self._good_at = self._began_at if math.isnan(now) else now
        return self._good_at

    def _end(self, now: float) -> None:
        if self._began_astray or not self._began_at <= now:
            self._astray.failed(self._steady())
        else:
            self._astray.succeeded()
