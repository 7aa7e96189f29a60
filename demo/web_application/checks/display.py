"""How pages show tokens, secrets and times: decoded without the signature, or abbreviated."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from asgi_bearer import InvalidTokenError
from asgi_bearer.jose import parse

MAX_TOKEN_BYTES = 16 * 1024

ABBREVIATED = 6
"""Characters of a secret that a page shows: enough to tell two apart, too few to guess it."""


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """Header and claims of a JWT for display; not verified."""

    header: Mapping[str, object]
    claims: Mapping[str, object]

    @property
    def header_text(self) -> str:
        """The header as indented JSON."""
        return _indented(self.header)

    @property
    def claims_text(self) -> str:
        """The claims as indented JSON."""
        return _indented(self.claims)

    def text(self, name: str) -> str:
        """Return a claim as one line of text, empty if the token does not contain it."""
        value = self.claims.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @property
    def lifetime(self) -> int | None:
        """Seconds from `iat` to `exp`."""
        issued, expires = self.claims.get("iat"), self.claims.get("exp")
        if isinstance(issued, int | float) and isinstance(expires, int | float):
            return int(expires - issued)
        return None

    def state(self, now: float) -> Literal["valid", "expired", ""]:
        """Return whether `exp` is in the past; empty if the token has no valid `exp`."""
        expires = self.claims.get("exp")
        if isinstance(expires, bool) or not isinstance(expires, int | float):
            return ""
        return "valid" if now < expires else "expired"

    @property
    def expires_at(self) -> str:
        """The time of `exp` as text."""
        return time_text(self.claims.get("exp"))


def decoded(token: str) -> DecodedToken | None:
    """Return header and claims of a token; None if it is opaque, encrypted or no JWT."""
    try:
        jws = parse(token, max_bytes=MAX_TOKEN_BYTES)
    except InvalidTokenError:
        return None
    return DecodedToken(jws.header.members, jws.claims)


def abbreviated(secret: str) -> str:
    """Return the first characters of a secret."""
    return f"{secret[:ABBREVIATED]}…" if len(secret) >= 3 * ABBREVIATED else "…"


def time_text(seconds: object) -> str:
    """Return a time, given in seconds since the epoch, as text; empty if it is not one."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return ""


def duration_text(seconds: int | None) -> str:
    """Return a number of seconds as text, in the largest unit that fits exactly."""
    if seconds is None:
        return ""
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if abs(seconds) >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "0 seconds"


def _indented(members: Mapping[str, object]) -> str:
    return json.dumps(dict(members), indent=2, ensure_ascii=False)
