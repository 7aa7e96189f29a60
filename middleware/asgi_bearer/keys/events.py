"""Status and events of a key source, and how events are logged."""

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

ERROR_BEFORE_EXPIRY: Final = 1800.0
"""Failures are logged as errors when stale keys expire in less than this number of seconds."""

logger = logging.getLogger("asgi_bearer.keys")


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """An event of a key source.

    Arguments:
        kind: `fetched` (a fetch returned other keys than before), `unchanged` (the same keys),
            `failed` (a fetch failed), `stale` and `expired` (on the first request after that
            time), `key_added`, `key_removed`, `flood_limited` (the cool-down prevented a fetch for
            a token that does not verify; once between two fetches).
        kid: the key id of the added or removed key.
        reason: why the last attempt failed; empty if it did not. Without a failure, keys become
            stale only because there were no requests.
    """

    kind: EventKind
    kid: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class KeySetStatus:
    """The status of a key source.

    Arguments:
        state: `never` (never fetched), `fresh`, `refreshing` (fresh, and a fetch is running),
            `stale` (past the lifetime, still used) or `expired` (no longer used).
        age: seconds since the keys were fetched, or None.
        serves: seconds for which the keys can still be used if every fetch fails.
        fault: why the last attempt failed, or a problem that did not make it fail; None if there
            was neither.
        next_attempt: seconds until a request can cause the next attempt, 0 while one is running.
            A token with an unknown key may cause one earlier.
        counts: the number of events of each kind.
        left_out: a sentence for each entry of the key set that is not used, with the reason; at
            most 20, and one more that counts the rest.
    """

    state: KeySetState
    age: float | None
    serves: float
    fault: str | None
    next_attempt: float
    counts: Mapping[EventKind, int]
    left_out: tuple[str, ...] = ()


class KeyObserver(Protocol):
    """Receives the events of a key source, for logs and metrics.

    It runs in the event loop and must not block. An exception that it raises is logged and ignored.
    """

    def __call__(self, event: KeyEvent, status: KeySetStatus) -> None:
        """Handle `event`; `status` is the status after it."""
        ...


class Events:
    """Passes events to the observer, and counts them.

    Arguments:
        status: returns the status to pass with an event.
    """

    def __init__(self, observer: KeyObserver, status: Callable[[], KeySetStatus]) -> None:
        self.counts: dict[EventKind, int] = dict.fromkeys(get_args(EventKind), 0)
        self._observer = observer
        self._status = status
        self._emitted: set[EventKind] = set()

    def emit(self, kind: EventKind, *, kid: str | None = None, reason: str = "") -> None:
        """Pass an event to the observer."""
        self.counts[kind] += 1
        try:
            self._observer(KeyEvent(kind, kid, reason), self._status())
        except Exception as err:
            # A fault in metrics must not refuse requests. The message may quote secrets.
            logger.error("the observer of the key source raised %s", type(err).__name__)

    def emit_once(self, kind: EventKind, reason: str | None = None) -> None:
        """Pass an event of this kind once until `reset`."""
        if kind not in self._emitted:
            self._emitted.add(kind)
            self.emit(kind, reason=reason or "")

    def reset(self) -> None:
        """Let `emit_once` pass each kind again."""
        self._emitted.clear()


def log_key_events(event: KeyEvent, status: KeySetStatus) -> None:
    """A `KeyObserver` that logs `event` to `asgi_bearer.keys`.

    A failure is a warning. It is an error if stale keys expire within half an hour, and critical
    if there are no usable keys.
    """
    match event.kind:
        case "failed" | "stale" | "expired":
            logger.log(
                _level(status) if event.reason else logging.INFO,
                "keys %s, usable for another %.0f s, next attempt in %.0f s: %s",
                "not fetched" if event.kind == "failed" else event.kind,
                status.serves,
                status.next_attempt,
                event.reason or "no request needed them",
            )
        case "flood_limited":
            logger.warning(
                "too many tokens do not verify: no fetch of keys for them until the cool-down ends"
            )
        case "key_added" | "key_removed":
            logger.info("%s: kid %s", event.kind.replace("_", " "), shown(event.kid))
        case "fetched":
            logger.info("keys fetched")
        case _:
            logger.debug("keys unchanged")


def _level(status: KeySetStatus) -> int:
    if status.serves <= 0:
        return logging.CRITICAL
    expires_soon = status.state == "stale" and status.serves <= ERROR_BEFORE_EXPIRY
    return logging.ERROR if expires_soon else logging.WARNING
