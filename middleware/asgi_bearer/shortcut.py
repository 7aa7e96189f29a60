"""A quick method beside a slow one, trusted only while it says the same."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

_Quick = TypeVar("_Quick", bound=Callable[..., object])


def beside(slow: Callable[..., object]) -> Callable[[_Quick], _Quick]:
    """Mark a method as the shortcut of `slow`, the method as it is written in the same class.

    Whatever else a caller finds in the place of `slow`, the shortcut knows nothing of it.
    """

    def mark(quick: _Quick) -> _Quick:
        quick.__dict__["beside"] = slow
        return quick

    return mark


def shortcut(of: object, quick: str, slow: str) -> Any:
    """Return the method `quick` of an object, or None if it may not know of what `slow` does.

    If a subclass, a wrapper or the object itself overrides only `slow`, calling `quick` would
    bypass that override. One that is put in place later, on the object or on its class, is noticed
    with the next call: what is returned then answers None, as `quick` does where it does not know.
    """
    mro = type(of).__mro__
    owner = next((one for one in mro if quick in vars(one) or slow in vars(one)), None)
    if owner is None or quick not in vars(owner):
        return None
    writer = next((one for one in mro if slow in vars(one)), None)
    if writer is None:
        return None
    # What is in the class now may have been put there by somebody who did not write it.
    trusted = getattr(vars(writer).get(quick), "beside", vars(writer)[slow])
    method, current = getattr(of, quick), attrgetter(f"{slow}.__func__")

    def checked(*arguments: object) -> Any:
        try:
            # What a call of `slow` would reach at this moment, wherever it was put.
            if current(of) is not trusted:
                return None
        except AttributeError:
            return None
        return method(*arguments)

    return checked
