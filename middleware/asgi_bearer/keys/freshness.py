"""How long a fetched document is fresh, by its own headers (RFC 9111 §4.2, §5.1, §5.2.2)."""

from collections.abc import Mapping
from dataclasses import dataclass

from asgi_bearer.keys.jwk import KeySet


@dataclass(frozen=True, slots=True)
class Fetched:
    """An issuer's keys as they were fetched.

    Arguments:
        lifetime: seconds that they are fresh.
        remark: what went wrong on the way and did no harm yet.
    """

    key_set: KeySet
    lifetime: float
    remark: str | None = None


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
