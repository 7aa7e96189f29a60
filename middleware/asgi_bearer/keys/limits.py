"""How often keys may be fetched: a cool-down for what callers can cause, a back-off for failures.

Plain arithmetic; time and chance come in as arguments.
"""

from collections.abc import Callable
from typing import Final

_SPREAD: Final = 0.25
"""Share of a pause that chance adds, so that many processes do not ask in step."""


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
        self._over_at = 0.0

    def remaining(self, now: float) -> float:
        """Return the seconds until the next fetch may be tried, 0 if it may be now."""
        return max(0.0, self._over_at - now) if self._pause else 0.0

    def failed(self, now: float) -> float:
        """Begin a pause and return its length in seconds."""
        self._pause = min(max(self._pause * 2, self._shortest), self._longest)
        pause = self._pause * (1 + _SPREAD * self._random())
        self._over_at = now + pause
        return pause

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
        self._over_at: dict[bool, float] = {}

    def is_over(self, now: float, *, unknown_kid: bool) -> bool:
        """Return whether such a miss may cause a fetch."""
        return now >= self._over_at.get(unknown_kid, now)

    def start(self, now: float, *, unknown_kid: bool) -> None:
        """Begin a window: such a miss has caused a fetch."""
        self._over_at[unknown_kid] = now + self._seconds
