"""The standard scopes and claims, and the rules for the claims of registered users."""

import json
import logging
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from asgi_bearer import is_scope_name
from asgi_bearer.keys import address_fault

STANDARD_SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "openid": "Know who you are",
        "profile": "See your name and your picture",
        "email": "See your e-mail address",
        "address": "See your postal address",
        "phone": "See your phone number",
        "offline_access": "Keep this access while you are away",
    }
)
"""The scopes of OpenID Connect Core §5.4 and §11, with the texts of the consent page."""

CLAIMS_BY_SCOPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "profile": (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
)
"""The standard claims that each scope releases (OpenID Connect Core §5.4)."""

MAX_BYTES = 4096
"""Of a user's claims as JSON: a token with them has to fit into a header."""

MAX_DEPTH = 8
"""Of nested tables and lists."""

_STANDARD = frozenset(name for names in CLAIMS_BY_SCOPE.values() for name in names)
"""OpenID Connect Core §5.1, without `sub`, which is always the user name."""

_BOOLEAN = frozenset({"email_verified", "phone_number_verified"})

logger = logging.getLogger("demo.authorization_server")


def accepted_claims(username: str, claims: Mapping[str, object]) -> Mapping[str, object]:
    """Return the claims whose name is standard or a URL; log the names of the others.

    Any other name could be confused with a claim that a standard defines, now or later, such as
    `scope` or `aud`.
    """
    for name in claims:
        if not _is_accepted(name):
            logger.warning(
                "user %r: ignoring the claim %r; the name of a claim must be a standard one or an "
                "http(s) URL",
                username,
                name,
            )
    return MappingProxyType({name: claims[name] for name in claims if _is_accepted(name)})


def claims_fault(claims: Mapping[str, object]) -> str | None:
    """Return what is wrong with the values of the accepted claims, or None."""
    accepted = {name: value for name, value in claims.items() if _is_accepted(name)}
    faults = [
        f"must hold {expected} in {name}"
        for name, value in accepted.items()
        if (expected := _expected(name, value))
    ]
    if not faults and len(json.dumps(accepted).encode()) > MAX_BYTES:
        faults.append(f"must be at most {MAX_BYTES} bytes as JSON")
    return "; ".join(faults) or None


def is_custom(name: str) -> bool:
    """Return whether this is the name of a custom claim: a URL with a host, and a valid scope."""
    return (
        re.match(r"https?://[^/?#]", name) is not None
        and is_scope_name(name)
        and address_fault(re.sub(r"^http:", "https:", name)) is None
    )


def _is_accepted(name: str) -> bool:
    return name in _STANDARD or is_custom(name)


def _expected(name: str, value: object) -> str | None:
    """Return what the value of the claim must be, or None if it is right."""
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
    """Return whether JSON can express the value: TOML also has dates, infinity and NaN."""
    if isinstance(value, list | dict) and depth < MAX_DEPTH:
        container = cast("list[object] | dict[str, object]", value)
        members = container.values() if isinstance(container, dict) else container
        return all(_is_json(member, depth + 1) for member in members)
    if isinstance(value, float):
        return value - value == 0  # false for infinity and NaN
    return isinstance(value, str | int)
