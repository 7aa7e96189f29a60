"""How long fetched keys are fresh, stale and usable (RFC 9111 §4.2, §5.1, §5.2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from asgi_bearer.keys.jwk import KeySet


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of a fetch of keys.

    Arguments:
        lifetime: seconds for which the keys are fresh.
        warning: a problem during the fetch that did not make it fail.
        left_out: a sentence for each entry of the document that is not used.
    """

    key_set: KeySet
    lifetime: float
    warning: str | None = None
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CachedKeySet:
    """A key set and its times: when it was fetched, is due for refresh, stale and expired.

    If `fetched_at` is NaN or in the future, the key set is not usable.
    """

    key_set: KeySet
    fetched_at: float
    refresh_due_at: float
    stale_at: float
    expired_at: float

    def is_usable(self, now: float) -> bool:
        """Return whether tokens may be verified with it, fresh or stale."""
        return self.fetched_at <= now < self.expired_at


@dataclass(frozen=True, slots=True)
class Freshness:
    """Computes the lifetime of a document from its headers, within bounds.

    Arguments:
        default: seconds, for documents without `max-age`.
        shortest, longest: bounds in seconds; `no-store` and `no-cache` get the shortest.
    """

    default: float
    shortest: float
    longest: float

    def lifetime(self, headers: Mapping[str, str]) -> float:
        """Return for how many seconds a document with these headers is fresh.

        `s-maxage` (for shared caches) and `Expires` (HTTP/1.0) are ignored.
        """
        directives: dict[str, str] = {}
        for directive in headers.get("cache-control", "").split(","):
            name, _, argument = directive.strip().partition("=")
            directives.setdefault(name.lower(), argument.strip('"'))
        if "no-store" in directives or "no-cache" in directives:
            return self.shortest
        if "max-age" not in directives:
            return self.default
        # An invalid max-age counts as 0 (RFC 9111 §4.2.1). Repeated Age fields arrive as a list, of
        # which the first counts (RFC 9111 §5.1).
        age = headers.get("age", "").partition(",")[0].strip()
        lifetime = _seconds(directives["max-age"]) - _seconds(age)
        return float(min(max(lifetime, self.shortest), self.longest))


def _seconds(value: str) -> int:
    # Any number of digits is valid (RFC 9111 §1.2.2), but `int` has a limit.
    return int(value.lstrip("0")[:11] or 0) if value.isascii() and value.isdigit() else 0
