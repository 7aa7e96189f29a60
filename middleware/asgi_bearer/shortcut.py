"""A quick method beside a slow one, trusted only if it says the same."""

from typing import Any


def shortcut(of: object, quick: str, slow: str) -> Any:
    """Return the method `quick` of an object, or None if it may not know of what `slow` does.

    Who overrides `slow` alone, in a subclass, in a wrapper that hands on all else, or on the
    object itself, has not been asked about `quick`: what he adds would be passed by.
    """
    if slow in getattr(of, "__dict__", ()):
        return None
    for owner in type(of).__mro__:
        if quick in vars(owner):
            return getattr(of, quick)
        if slow in vars(owner):
            return None
    return None
