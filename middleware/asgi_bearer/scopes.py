"""Scope names: their grammar, and how a claim holds them (RFC 6749 §3.3)."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from asgi_bearer.encoding import is_array
from asgi_bearer.errors import ClaimMalformed, shown

_NAME: Final = re.compile(r"[!#-\[\]-~]+")

_MOST_REMEMBERED: Final = 256
_LONGEST_REMEMBERED: Final = 1024
"""Number and characters of scopes as clients ask for them: few spellings serve many tokens."""


def is_scope_name(name: str) -> bool:
    """Return whether `name` is one scope-token."""
    return _NAME.fullmatch(name) is not None


def scope_names(claim: str, value: object) -> frozenset[str]:
    """Return the scope names in `value`, which stood under the name `claim`.

    `scope` is one string (RFC 9068 §2.2.3); some vendors' `scp` is an array.

    Raises:
        ClaimMalformed: it is neither, or not all of it scope names.
    """
    if isinstance(value, str):
        names = _remembered(value) if len(value) <= _LONGEST_REMEMBERED else _names_in(value)
    elif is_array(value) and claim == "scp":
        names = _checked(value)
    else:
        raise ClaimMalformed(f"{claim} is {shown(value)}, not a string of scope names")
    if names is None:
        raise ClaimMalformed(f"{claim} is {shown(value)}, not all of it scope names")
    return names


@lru_cache(_MOST_REMEMBERED)
def _remembered(text: str) -> frozenset[str] | None:
    return _names_in(text)


def _names_in(text: str) -> frozenset[str] | None:
    # Runs of spaces are tolerated, other white space is no separator.
    return _checked([part for part in text.split(" ") if part])


def _checked(names: Sequence[object]) -> frozenset[str] | None:
    checked = [name for name in names if isinstance(name, str) and is_scope_name(name)]
    return frozenset(checked) if len(checked) == len(names) else None
