"""The identifiers of contacts: unguessable, and ordered by the time of their making."""

import re
import secrets
import time
from collections.abc import Callable
from uuid import UUID

_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RANDOM_BITS = 74
_STEP_BITS = 48


class ContactIds:
    """Makes version 7 UUIDs that grow even within one millisecond (RFC 9562 §6.2, method 2).

    `clock` answers seconds since the epoch; `randbits` answers that many random bits.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        randbits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._clock = clock
        self._randbits = randbits
        self._last = 0

    def __call__(self) -> UUID:
        """The next identifier."""
        milliseconds = int(self._clock() * 1000)
        drawn = (milliseconds << _RANDOM_BITS) | self._randbits(_RANDOM_BITS)
        if milliseconds <= self._last >> _RANDOM_BITS:
            # The same millisecond, or a clock that was set back: stay behind the last one, by a
            # random step, which may carry into the time and does no harm there.
            drawn = self._last + 1 + self._randbits(_STEP_BITS)
        self._last = drawn
        high, low = drawn >> 62, drawn & ((1 << 62) - 1)
        return UUID(int=(high >> 12) << 80 | 7 << 76 | (high & 0xFFF) << 64 | 2 << 62 | low)


def contact_id(text: str) -> UUID | None:
    """The identifier that `text` spells in the one form that the API writes; else None."""
    return UUID(text) if _CANONICAL.fullmatch(text) else None
