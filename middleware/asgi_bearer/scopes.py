"""Scope names: their grammar, and how a claim holds them (RFC 6749 §3.3)."""

from typing import Final

from asgi_bearer.errors import ClaimMalformed, shown
from asgi_bearer.jose import is_array

_CHARACTERS: Final = frozenset(map(chr, range(0x21, 0x7F))) - {'"', "\\"}


def is_scope_name(name: str) -> bool:
    """Return whether `name` is one scope-token."""
    return bool(name) and _CHARACTERS.issuperset(name)


def scope_names(claim: str, value: object) -> frozenset[str]:
    """Return the scope names in `value`, which stood under the name `claim`.

    `scope` is one string (RFC 9068 §2.2.3); some vendors' `scp` is an array.

    Raises:
        ClaimMalformed: it is neither, or not all of it scope names.
    """
    if isinstance(value, str):
        # Runs of spaces are tolerated, other white space is no separator.
        names: list[object] = [part for part in value.split(" ") if part]
    elif is_array(value) and claim == "scp":
        names = value
    else:
        raise ClaimMalformed(f"{claim} is {shown(value)}, not a string of scope names")
    checked = [part for part in names if isinstance(part, str) and is_scope_name(part)]
    if len(checked) != len(names):
        raise ClaimMalformed(f"{claim} is {shown(value)}, not all of it scope names")
    return frozenset(checked)
