"""The claims that a user may be registered with: which names are kept, and what they may hold."""

import json
import logging
import re
from collections.abc import Mapping
from typing import cast

from asgi_bearer import is_scope_name
from asgi_bearer.keys import address_fault
from demo.authorization_server.registrations.scopes import CLAIMS_BY_SCOPE

MAX_BYTES = 4096
"""Of a user's claims as JSON: a token that carries them has to fit into a header."""

MAX_DEPTH = 8
"""Of tables and lists in each other."""

_STANDARD = frozenset(name for names in CLAIMS_BY_SCOPE.values() for name in names)
"""Those of OpenID Connect Core §5.1, without `sub`, which is the name of the user."""

_BOOLEAN = frozenset({"email_verified", "phone_number_verified"})

logger = logging.getLogger("demo.authorization_server")


def kept_claims(username: str, claims: Mapping[str, object]) -> dict[str, object]:
    """Return the claims whose names are standard or a URL; the log says which others there were.

    A name of one's own could be taken for a claim that a token or a standard defines: `scope`,
    `aud`, or one that does not exist yet.
    """
    for name in claims:
        if not _is_kept(name):
            logger.warning(
                "user %r: the claim %r is left out: its name is neither a standard one "
                "nor an http(s) URL",
                username,
                name,
            )
    return {name: value for name, value in claims.items() if _is_kept(name)}


def claims_fault(claims: Mapping[str, object]) -> str | None:
    """Return what is wrong with the values of the claims that are kept, or None."""
    kept = {name: value for name, value in claims.items() if _is_kept(name)}
    faults = [
        f"must hold {expected} in {name}"
        for name, value in kept.items()
        if (expected := _expected(name, value))
    ]
    if not faults and len(json.dumps(kept).encode()) > MAX_BYTES:
        faults.append(f"must be at most {MAX_BYTES} bytes as JSON")
    return "; ".join(faults) or None


def is_custom(name: str) -> bool:
    """Whether the name is one's own: a URL with a host, which is a scope as well."""
    return (
        re.match(r"https?://[^/?#]", name) is not None
        and is_scope_name(name)
        and address_fault(re.sub(r"^http:", "https:", name)) is None
    )


def _is_kept(name: str) -> bool:
    return name in _STANDARD or is_custom(name)


def _expected(name: str, value: object) -> str | None:
    """Return what the claim should hold where it does not."""
    if name in _BOOLEAN:
        return None if isinstance(value, bool) else "true or false"
    if name == "updated_at":
        return None if type(value) is int else "a whole number of seconds"
    if name == "address":
        is_fine = isinstance(value, dict) and _is_json(cast("object", value))
        return None if is_fine else "a table"
    if name in _STANDARD:
        return None if isinstance(value, str) else "text"
    return None if _is_json(value) else "text, numbers, true, false, lists or tables"


def _is_json(value: object, depth: int = 0) -> bool:
    """Whether JSON can say it: TOML knows dates, and numbers that are none."""
    if isinstance(value, list | dict) and depth < MAX_DEPTH:
        held = cast("list[object] | dict[str, object]", value)
        members = held.values() if isinstance(held, dict) else held
        return all(_is_json(member, depth + 1) for member in members)
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor "not a number"
    return isinstance(value, str | int)
