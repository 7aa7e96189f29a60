"""A quick method beside a slow one, trusted only while it says the same."""

from typing import Any


def shortcut(of: object, quick: str, slow: str) -> Any:
    """Return the method `quick` of an object, or None if it may not know of what `slow` does.

    If a subclass, a wrapper or the object itself overrides only `slow`, calling `quick` would
    bypass that override. One that is put in place later, on the object or on its class, is noticed
    with the next call: what is returned then answers None, as `quick` does where it does not know.
    """
    owner = next((one for one in type(of).__mro__ if quick in vars(one) or slow in vars(one)), None)
    if owner is None or quick not in vars(owner) or slow in getattr(of, "__dict__", ()):
        return None
    kind, method, trusted = type(of), getattr(of, quick), getattr(type(of), slow, None)
    own: Any = getattr(of, "__dict__", {})

    def checked(*arguments: object) -> Any:
        if slow in own or getattr(kind, slow, None) is not trusted:
            return None
        return method(*arguments)

    return checked
