"""How long a fetched document is fresh, by its own headers (RFC 9111 §4.2, §5.1, §5.2.2).

And what a set that was fetched is good for after that time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from asgi_bearer.keys.jwk import KeySet


@dataclass(frozen=True, slots=True)
class Fetched:
    """An issuer's keys as they were fetched.

    Arguments:
        lifetime: seconds that they are fresh.
        warning: what went wrong on the way and did no harm yet.
        left_out: a sentence for each entry of the document that is not among the keys.
    """

    key_set: KeySet
    lifetime: float
    warning: str | None = None
    left_out: tuple[str, ...] = ()


_REFRESH_DUE: Final = 0.8
_JITTER: Final = 0.05
"""Shares of a lifetime: a refresh is due from 75 to 80 % of it, by chance, so that processes which
started together do not ask together."""


@dataclass(frozen=True, slots=True)
class Held:
    """A set, and the times at which that changes what it is good for.

    One that lies in the future, or has no time (NaN), is good for nothing.
    """

    key_set: KeySet
    fetched_at: float
    refresh_due_at: float
    stale_at: float
    expired_at: float

    @classmethod
    def since(
        cls, now: float, key_set: KeySet, lifetime: float, *, serve_stale: float, chance: float
    ) -> "Held":
        """Return `key_set` as fetched `now`, to serve `serve_stale` seconds past its lifetime."""
        stale_at = now + lifetime
        return cls(
            key_set,
            fetched_at=now,
            refresh_due_at=now + lifetime * (_REFRESH_DUE - _JITTER * chance),
            stale_at=stale_at,
            expired_at=stale_at + serve_stale,
        )

    def serves(self, now: float) -> bool:
        """Return whether a token may be judged by it."""
        return self.fetched_at <= now < self.expired_at


@dataclass(frozen=True, slots=True)
class Freshness:
    """The bounds within which an issuer may say how long its documents are fresh.

    Arguments:
        default: seconds, for documents that do not say.
        shortest, longest: seconds; `no-store` and `no-cache` get the shortest.
    """

    default: float
    shortest: float
    longest: float

    def lifetime(self, headers: Mapping[str, str]) -> float:
        """Return the seconds that a document with these headers is fresh from now on.

        `s-maxage` is for shared caches and `Expires` for those of HTTP/1.0.
        """
        directives: dict[str, str] = {}
        for directive in headers.get("cache-control", "").split(","):
            name, _, argument = directive.strip().partition("=")
            directives.setdefault(name.lower(), argument.strip('"'))
        if "no-store" in directives or "no-cache" in directives:
            return self.shortest
        if "max-age" not in directives:
            return self.default
        # What is no number of seconds is over already (RFC 9111 §4.2.1).
        # A field that is repeated arrives as a list; of ages the first counts (RFC 9111 §5.1).
        age = headers.get("age", "").partition(",")[0].strip()
        lifetime = _seconds(directives["max-age"]) - _seconds(age)
        return float(min(max(lifetime, self.shortest), self.longest))


def _seconds(value: str) -> int:
    # No number is too large (RFC 9111 §1.2.2), except for `int`.
    return int(value.lstrip("0")[:11] or 0) if value.isascii() and value.isdigit() else 0
