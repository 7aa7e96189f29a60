"""How often keys may be fetched: a cool-down for what callers can cause, a back-off for failures.

Plain arithmetic; the time comes in as an argument.
"""


class CoolDown:
    """At most one fetch per window for tokens that do not verify.

    Unknown key ids and bad signatures have a window each, so that forging the one, which anybody
    can, does not delay the other, which is how a rotation is noticed. Only a fetch that was
    caused in this way starts a window: the first miss after any other fetch is free.

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


class BackOff:
    """A pause after each failed fetch, twice as long as the one before.

    Arguments:
        shortest, longest: bounds of the pause, in seconds.
    """

    def __init__(self, *, shortest: float, longest: float) -> None:
        self._shortest = shortest
        self._longest = longest
        self._pause = 0.0
        self._over_at = 0.0

    def remaining(self, now: float) -> float:
        """Return the seconds until the next fetch may be tried, 0 if it may be now."""
        return max(0.0, self._over_at - now) if self._pause else 0.0

    def failed(self, now: float) -> float:
        """Begin a pause and return its length in seconds."""
        self._pause = min(max(self._pause * 2, self._shortest), self._longest)
        self._over_at = now + self._pause
        return self._pause

    def succeeded(self) -> None:
        """End the row of failures."""
        self._pause = 0.0
