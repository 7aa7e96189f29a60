"""Tokens as a page may show them: decoded, without their signatures, never whole."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from asgi_bearer import InvalidTokenError
from asgi_bearer.jose import parse

MAX_TOKEN_BYTES = 16 * 1024

ABBREVIATED = 6
"""Characters of a secret that are shown: enough to tell two apart, nothing to guess the rest by."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A token taken apart for reading; nothing here is verified."""

    header: Mapping[str, object]
    claims: Mapping[str, object]

    @property
    def header_text(self) -> str:
        """The header, indented."""
        return _indented(self.header)

    @property
    def claims_text(self) -> str:
        """The claims, indented."""
        return _indented(self.claims)

    def text(self, name: str) -> str:
        """Return a claim as one line, empty where there is none."""
        value = self.claims.get(name)
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @property
    def lifetime(self) -> int | None:
        """Seconds from issue to end."""
        issued, ends = self.claims.get("iat"), self.claims.get("exp")
        if isinstance(issued, int | float) and isinstance(ends, int | float):
            return int(ends - issued)
        return None

    @property
    def ends(self) -> str:
        """When it ends, in words."""
        return moment(self.claims.get("exp"))


def decoded(token: str) -> Shown | None:
    """Return header and claims of a token, None for one that is opaque, encrypted or no JWT."""
    try:
        jws = parse(token, max_bytes=MAX_TOKEN_BYTES)
    except InvalidTokenError:
        return None
    return Shown(jws.header.members, jws.claims)


def abbreviated(secret: str) -> str:
    """Return the beginning of a secret, so that a person can tell two apart."""
    return f"{secret[:ABBREVIATED]}…" if len(secret) >= 3 * ABBREVIATED else "…"


def moment(seconds: object) -> str:
    """Return a time since the epoch for a person to read."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return ""


def duration(seconds: int | None) -> str:
    """Return a number of seconds for a person to read."""
    if seconds is None:
        return ""
    for name, size in (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)):
        if abs(seconds) >= size and seconds % size == 0:
            number = seconds // size
            return f"{number} {name}{'' if number == 1 else 's'}"
    return "no time"


def _indented(members: Mapping[str, object]) -> str:
    return json.dumps(dict(members), indent=2, ensure_ascii=False)
