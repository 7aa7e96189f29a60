"""Decoded JSON that cannot be changed, and still copies, pickles and serialises."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Never, Self, TypeGuard

from asgi_bearer.jose.encoding import is_array, is_object

_CHANGEABLE: Final = frozenset({dict, list})
"""What a JSON decoder makes and an application could change."""


class FrozenDict(dict[str, object]):
    """A dictionary that refuses every change.

    Requests with the same token share it, and one must not change it for the next. It is a `dict`,
    because `json` and most web frameworks serialise nothing else. Its copies are the object itself;
    `dict(…)`, `{**…}` and `… | {…}` make a dictionary that can be changed.
    """

    __slots__ = ("_filled",)

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError(
            "claims cannot be changed: requests share them; change a copy, dict(claims)"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = _refuse
    setdefault = update = _refuse  # pyright: ignore[reportAssignmentType] - it takes what they take

    def __init__(self, members: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> None:
        """Hold `members`, once; `frozen` freezes what is in them as well."""
        if hasattr(self, "_filled"):
            self._refuse()
        super().__init__(members)
        self._filled = True

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[dict[str, object]]]:
        return type(self), (dict(self),)


def frozen(members: dict[str, object]) -> FrozenDict:
    """Return decoded JSON that cannot be changed at any depth.

    Arguments:
        members: what was decoded. The caller gives it away.
    """
    for name, value in members.items():
        if type(value) in _CHANGEABLE:
            members[name] = _frozen(value)
    return FrozenDict(members)


def thawed(value: object) -> object:
    """Return a copy of `value` in which frozen objects and arrays can be changed again."""
    if _is_mapping(value):
        return {name: thawed(member) for name, member in value.items()}
    if _is_sequence(value):
        return [thawed(member) for member in value]
    return value


def _is_mapping(value: object) -> TypeGuard[Mapping[str, object]]:
    return isinstance(value, Mapping)


def _is_sequence(value: object) -> TypeGuard[Sequence[object]]:
    return isinstance(value, list | tuple)


def _frozen(value: object) -> object:
    if is_array(value):
        # Nearly always an array of names, which needs no second look.
        return tuple(value if _CHANGEABLE.isdisjoint(map(type, value)) else map(_frozen, value))
    return frozen(value) if is_object(value) else value
