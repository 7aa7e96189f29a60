"""What an operator learns of a key source: its status at any time, its events as they happen."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from asgi_bearer.errors import shown

EventKind = Literal[
    "fetched",
    "unchanged",
    "failed",
    "stale",
    "expired",
    "key_added",
    "key_removed",
    "flood_limited",
]

KeySetState = Literal["never", "fresh", "refreshing", "stale", "expired"]

LAST_WARNING: Final = 1800.0
"""Seconds until nothing can be verified: from here on it is an error that nobody looked."""

logger = logging.getLogger("asgi_bearer.keys")


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """Something that happened to a key source.

    Arguments:
        kind: `fetched` (a set with other keys than before), `unchanged` (the same keys),
            `failed` (an attempt to fetch), `stale` and `expired` (noticed by the first request
            after it), `key_added`, `key_removed`, `flood_limited` (a token that does not verify
            would have caused a fetch too early; told once between two fetches).
        kid: of the key that was added or removed.
        reason: why the last attempt failed, empty if it did not. A set that went stale without a
            failure is one that nobody asked for.
    """

    kind: EventKind
    kid: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeySetStatus:
    """How a key source fares.

    Arguments:
        state: `never` (nothing was ever fetched), `fresh`, `refreshing` (fresh, and being fetched
            again), `stale` (past its lifetime, still serving) or `expired` (serving no longer).
        age: seconds since the set was fetched, None if it never was.
        serves: seconds that the set will still serve, though every attempt should fail.
        fault: why the last attempt failed, or what went wrong in it without harm; None if it
            was in order.
        next_attempt: seconds until a request of anybody causes the next attempt, 0 while one is
            under way. A token of an unknown key may cause one before.
        counts: how often each kind of event has happened.
        left_out: a sentence for each entry of the key set that is not used, with the reason: it
            has a fault, or it is made for something else. At most 20, and one that counts the rest.
    """

    state: KeySetState
    age: float | None
    serves: float
    fault: str | None
    next_attempt: float
    counts: Mapping[EventKind, int]
    left_out: tuple[str, ...] = ()


class KeyObserver(Protocol):
    """Is told what happens to a key source, for logs and metrics.

    It is called in the event loop and must not block. What it raises is logged and ignored.
    """

    def __call__(self, event: KeyEvent, status: KeySetStatus) -> None:
        """Take note of `event`, after which the source has `status`."""
        ...


class Events:
    """Tells an observer what happens to a key source, and counts it.

    Arguments:
        status: returns the status to tell with an event.
    """

    def __init__(self, observer: KeyObserver, status: Callable[[], KeySetStatus]) -> None:
        self.counts: dict[EventKind, int] = dict.fromkeys(get_args(EventKind), 0)
        self._observer = observer
        self._status = status
        self._told: set[EventKind] = set()

    def tell(self, kind: EventKind, *, kid: str | None = None, reason: str = "") -> None:
        """Tell of an event."""
        self.counts[kind] += 1
        try:
            self._observer(KeyEvent(kind, kid, reason), self._status())
        except Exception as err:
            # Nobody's metrics may cost a request; the message may quote anything.
            logger.error("an observer of keys failed: %s", type(err).__name__)

    def tell_once(self, kind: EventKind, reason: str | None = None) -> None:
        """Tell of `kind` unless it was told since `forget`."""
        if kind not in self._told:
            self._told.add(kind)
            self.tell(kind, reason=reason or "")

    def forget(self) -> None:
        """Let everything be told again."""
        self._told.clear()


def log_key_events(event: KeyEvent, status: KeySetStatus) -> None:
    """Write `event` to the log `asgi_bearer.keys`; a `KeyObserver`.

    The level of failures rises from warning to error when the keys are stale and in their last
    half hour, and to critical when nothing can be verified any more.
    """
    match event.kind:
        case "failed" | "stale" | "expired":
            logger.log(
                _urgency(status) if event.reason else logging.INFO,
                "keys %s, serving for another %.0f s, next attempt in %.0f s: %s",
                "not fetched" if event.kind == "failed" else event.kind,
                status.serves,
                status.next_attempt,
                event.reason or "nobody asked for them",
            )
        case "flood_limited":
            logger.warning("keys not fetched for tokens that do not verify: too many of them")
        case "key_added" | "key_removed":
            logger.info("%s: kid %s", event.kind.replace("_", " "), shown(event.kid))
        case "fetched":
            logger.info("keys fetched")
        case _:
            logger.debug("keys unchanged")


def _urgency(status: KeySetStatus) -> int:
    if status.serves <= 0:
        return logging.CRITICAL
    hurry = status.state == "stale" and status.serves <= LAST_WARNING
    return logging.ERROR if hurry else logging.WARNING
