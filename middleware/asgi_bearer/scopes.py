"""Scope names: their grammar, and how they are read from arguments and claims (RFC 6749 §3.3)."""

import re
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Final, cast

from asgi_bearer.errors import ClaimMalformed, shown
from asgi_bearer.jose.encoding import is_array, is_object

_NAME: Final = re.compile(r"[!#-\[\]-~]+")

_CACHED_CLAIMS: Final = 256
_MAX_CACHED_CHARACTERS: Final = 1024
"""Many tokens have the same scope claim, so parsed ones are cached."""

_MAX_LOGGED_CHARACTERS: Final = 256
"""How much of a list of scopes a log line shows."""


def is_scope_name(name: str) -> bool:
    """Return whether `name` is one scope-token."""
    return _NAME.fullmatch(name) is not None


def checked_scopes(scopes: str | Iterable[str], *, any_of: bool = False) -> tuple[str, ...]:
    """Return `scopes` as a tuple without duplicates; one string is one scope.

    Arguments:
        any_of: one of the scopes is enough, so there must be at least one.

    Raises:
        ValueError: a name is not a scope-token (RFC 6749 §3.3), or there is none to choose from.
    """
    names = _names(scopes)
    if any_of and not names:
        raise ValueError("scopes: there must be at least one scope, because one of them is enough")
    # A set has no fixed order, but a challenge must be the same after a restart.
    return tuple(sorted(names) if isinstance(scopes, set | frozenset) else dict.fromkeys(names))


def _names(scopes: object) -> list[str]:
    # A value of another type becomes one entry, which is then reported as a wrong name.
    entries: Iterable[object] = (scopes,)
    if isinstance(scopes, Iterable) and not isinstance(scopes, str | bytes):
        entries = cast("Iterable[object]", scopes)
    names: list[str] = []
    for name in entries:
        if not isinstance(name, str) or not is_scope_name(name):
            raise ValueError(f"scopes: {name!r} is not one scope name")
        names.append(name)
    return names


def scope_names(claim: str, value: object, *, arrays: bool) -> frozenset[str]:
    """Return the scope names in `value`, the value of `claim`.

    `scope` is one string (RFC 9068 §2.2.3); some issuers write an array of names.

    Arguments:
        arrays: whether an array is accepted.

    Raises:
        ClaimMalformed: the value has another type, or holds something that is not a scope name.
    """
    if isinstance(value, str):
        names = _cached(value) if len(value) <= _MAX_CACHED_CHARACTERS else _split(value)
    elif is_array(value) and arrays:
        names = _checked(value)
    else:
        types = "a string or an array" if arrays else "a string"
        raise ClaimMalformed(f"{claim} is {shown(value)}, it must be {types} of scope names")
    if names is None:
        raise ClaimMalformed(f"{claim} is {shown(value)}, it must hold only scope names")
    return names


def scope_names_in_roles(claim: str, value: object) -> frozenset[str]:
    """Return the scope names in `value`, a claim of roles or permissions.

    A string holds names separated by spaces, an array holds a name in each element. A role such as
    `Admin User` is not a scope name, so no endpoint can require it: it is left out.

    Raises:
        ClaimMalformed: the value has another type, or the array holds something else than strings.
    """
    if value is None:
        # Some issuers write an empty list as null.
        return frozenset()
    names = value.split(" ") if isinstance(value, str) else value
    if not is_array(names) or not all(isinstance(name, str) for name in names):
        hint = "; for names inside an object, name the path by a tuple in scope_claims"
        raise ClaimMalformed(
            f"{claim} is {shown(value)}, it must be a string or an array of strings"
            f"{hint if is_object(names) else ''}"
        )
    return frozenset(name for name in names if isinstance(name, str) and is_scope_name(name))


def missing_scopes_reason(
    needed: Iterable[str],
    granted: Iterable[str],
    *,
    any_of: bool = False,
    also: Collection[str] = (),
) -> str:
    """Return for the log which scopes a request needs, and which scopes the token has.

    Arguments:
        any_of: whether one of the needed scopes is enough.
        also: scopes that the request needs besides.
    """
    needs = f"needs {_joined(also)} and" if also else "needs"
    if any_of:
        needs += " one of"
    return f"{needs} {_joined(needed)}, the token has {_joined(sorted(granted)) or 'none'}"


def _joined(names: Iterable[str]) -> str:
    # A token may have hundreds of scopes, and a custom verifier may return any text.
    text = " ".join(name if is_scope_name(name) else shown(name) for name in names)
    return text if len(text) <= _MAX_LOGGED_CHARACTERS else f"{text[:_MAX_LOGGED_CHARACTERS]}..."


@lru_cache(_CACHED_CLAIMS)
def _cached(text: str) -> frozenset[str] | None:
    return _split(text)


def _split(text: str) -> frozenset[str] | None:
    # Several spaces in a row are accepted. Other white space does not separate names.
    return _checked([part for part in text.split(" ") if part])


def _checked(names: Sequence[object]) -> frozenset[str] | None:
    checked = [name for name in names if isinstance(name, str) and is_scope_name(name)]
    return frozenset(checked) if len(checked) == len(names) else None
