"""Scope names: their grammar, and how a claim holds them (RFC 6749 §3.3)."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

from asgi_bearer.errors import ClaimMalformed, shown
from asgi_bearer.jose.encoding import is_array, is_object

_NAME: Final = re.compile(r"[!#-\[\]-~]+")

_MOST_REMEMBERED: Final = 256
_LONGEST_REMEMBERED: Final = 1024
"""Number and characters of scopes as clients ask for them: few spellings serve many tokens."""

_LONGEST_LISTED: Final = 256
"""Characters of scopes that a log line shows."""


def is_scope_name(name: str) -> bool:
    """Return whether `name` is one scope-token."""
    return _NAME.fullmatch(name) is not None


def scope_names(claim: str, value: object, *, arrays: bool) -> frozenset[str]:
    """Return the scope names in `value`, which stood under the name `claim`.

    `scope` is one string (RFC 9068 §2.2.3); some issuers write an array of names.

    Arguments:
        arrays: whether an array is taken.

    Raises:
        ClaimMalformed: it is neither, or not all of it scope names.
    """
    if isinstance(value, str):
        names = _remembered(value) if len(value) <= _LONGEST_REMEMBERED else _names_in(value)
    elif is_array(value) and arrays:
        names = _checked(value)
    else:
        kinds = "neither a string nor an array" if arrays else "not a string"
        raise ClaimMalformed(f"{claim} is {shown(value)}, {kinds} of scope names")
    if names is None:
        raise ClaimMalformed(f"{claim} is {shown(value)}, not all of it scope names")
    return names


def names_among(claim: str, value: object) -> frozenset[str]:
    """Return the scope names in `value`, a claim of roles or permissions.

    A string holds names separated by spaces, an array holds a name in each element. A role such as
    `Admin User` is no scope name, so no endpoint can ask for it: it is passed over.

    Raises:
        ClaimMalformed: it is neither, or an array that does not hold strings alone.
    """
    if value is None:
        # Some issuers write an empty list as null.
        return frozenset()
    names = value.split(" ") if isinstance(value, str) else value
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        hint = "; names within an object take a path, a tuple in scope_claims"
        raise ClaimMalformed(
            f"{claim} is {shown(value)}, neither a string nor an array of strings"
            f"{hint if is_object(names) else ''}"
        )
    return frozenset(name for name in names if isinstance(name, str) and is_scope_name(name))


def lacking(needed: Iterable[str], granted: Iterable[str], *, any_of: bool = False) -> str:
    """Return for the operator which scopes a request needs, and which the token has.

    Arguments:
        any_of: one of those that are needed is enough.
    """
    needs = "needs one of" if any_of else "needs"
    return f"{needs} {_listed(needed)}, the token has {_listed(sorted(granted)) or 'none'}"


def _listed(names: Iterable[str]) -> str:
    # A token may hold hundreds, and a verifier of somebody else's may have put anything in.
    text = " ".join(name if is_scope_name(name) else shown(name) for name in names)
    return text if len(text) <= _LONGEST_LISTED else f"{text[:_LONGEST_LISTED]}..."


@lru_cache(_MOST_REMEMBERED)
def _remembered(text: str) -> frozenset[str] | None:
    return _names_in(text)


def _names_in(text: str) -> frozenset[str] | None:
    # Runs of spaces are tolerated, other white space is no separator.
    return _checked([part for part in text.split(" ") if part])


def _checked(names: Sequence[object]) -> frozenset[str] | None:
    checked = [name for name in names if isinstance(name, str) and is_scope_name(name)]
    return frozenset(checked) if len(checked) == len(names) else None
