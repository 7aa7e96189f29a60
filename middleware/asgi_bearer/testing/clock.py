"""Clocks that a test sets, instead of waiting."""

from collections.abc import Callable


class FakeClock:
    """A clock that stands still until a test advances it.

    Arguments:
        now: seconds since the epoch.
    """

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return the time in seconds since the epoch."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


class RunningClock(FakeClock):
    """A clock that runs, such as `time.time`; `now` is how far a test has advanced it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(0.0)
        self._clock = clock

    def __call__(self) -> float:
        """Return the time in seconds since the epoch."""
        return self._clock() + self.now
