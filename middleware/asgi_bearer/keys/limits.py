"""How often keys may be fetched: a cool-down for what callers can cause, a back-off for failures.

Plain arithmetic; time and chance come in as arguments.
"""

from collections.abc import Callable
from typing import Final

from cachetools import LRUCache

MAX_REFUSED_KEY_IDS: Final = 256
"""Key ids that are remembered because a fetch did not find them. At most one joins them per
cool-down, and none is longer than a token."""

_LONGEST_REFUSAL: Final = 600.0
"""Seconds. A key id that is signed with before it is published is found by then at the latest."""

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

    A key id that such a fetch did not find causes its next one after a pause that doubles: a
    client that keeps sending an old token leaves the windows to the ids of a rotation.

    Arguments:
        seconds: length of a window.
        random: returns a number from 0 to 1.
    """

    def __init__(self, seconds: float, *, random: Callable[[], float]) -> None:
        self._seconds = seconds
        self._random = random
        self._over_at: dict[bool, float] = {}
        self._refused: LRUCache[str, BackOff] = LRUCache(MAX_REFUSED_KEY_IDS)

    def is_over(self, now: float, kid: str | None) -> bool:
        """Return whether a miss may cause a fetch: of the unknown `kid`, or of a signature."""
        if now < self._over_at.get(kid is not None, now):
            return False
        return kid is None or kid not in self._refused or not self._refused[kid].remaining(now)

    def start(self, now: float, kid: str | None) -> None:
        """Begin a window: such a miss has caused a fetch."""
        self._over_at[kid is not None] = now + self._seconds

    def refuse(self, now: float, kid: str) -> None:
        """Remember that a fetch which `kid` has caused did not find it."""
        if kid not in self._refused:
            self._refused[kid] = BackOff(
                shortest=self._seconds, longest=_LONGEST_REFUSAL, random=self._random
            )
        self._refused[kid].failed(now)
