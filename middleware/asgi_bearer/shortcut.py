"""Calls a quick method in place of a slow one, unless the slow one is overridden."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any, TypeVar

_Quick = TypeVar("_Quick", bound=Callable[..., object])


def beside(slow: Callable[..., object]) -> Callable[[_Quick], _Quick]:
    """Mark a method as the shortcut of `slow`, a method of the same class.

    The shortcut is used only while `slow` is this method.
    """

    def mark(quick: _Quick) -> _Quick:
        quick.__dict__["beside"] = slow
        return quick

    return mark


def shortcut(of: object, quick: str, slow: str) -> Any:
    """Return the method `quick` of an object, or None if only `slow` is overridden.

    If a subclass, a wrapper or the object itself overrides only `slow`, calling `quick` would
    bypass that override. If `slow` is overridden later, the returned function returns None.
    """
    mro = type(of).__mro__
    owner = next((one for one in mro if quick in vars(one) or slow in vars(one)), None)
    if owner is None or quick not in vars(owner):
        return None
    writer = next((one for one in mro if slow in vars(one)), None)
    if writer is None:
        return None
    # `slow` may have been replaced on the class (monkey patching) before this call.
    trusted = getattr(vars(writer).get(quick), "beside", vars(writer)[slow])
    method, current = getattr(of, quick), attrgetter(f"{slow}.__func__")

    def checked(*arguments: object) -> Any:
        try:
            # The function that a call of `slow` would run now.
            if current(of) is not trusted:
                return None
        except AttributeError:
            return None
        return method(*arguments)

    return checked
