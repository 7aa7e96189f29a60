"""Read-only decoded JSON that can still be copied, pickled and serialised."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Never, Self, TypeGuard

from asgi_bearer.jose.encoding import is_array, is_object


class FrozenDict(dict[str, object]):
    """A read-only dictionary.

    Requests with the same token share it, so none of them may change it. It is a `dict`, because
    `json` and most web frameworks serialise nothing else. A copy of it is the object itself;
    `dict(…)`, `{**…}` and `… | {…}` return a dictionary that can be changed.
    """

    __slots__ = ("_is_filled",)

    def _refuse(self, *_args: object, **_kwargs: object) -> Never:
        raise TypeError(
            "claims cannot be changed, because requests share them: change a copy, dict(claims)"
        )

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = _refuse
    setdefault = update = _refuse  # pyright: ignore[reportAssignmentType] - it takes any arguments

    def __init__(self, members: Mapping[str, object] | Iterable[tuple[str, object]] = ()) -> None:
        """Set `members`, once. `frozen` also freezes nested values."""
        if hasattr(self, "_is_filled"):
            self._refuse()
        super().__init__(members)
        self._is_filled = True

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> tuple[object, tuple[dict[str, object]]]:
        return type(self), (dict(self),)


def frozen(members: Mapping[str, object]) -> FrozenDict:
    """Return decoded JSON that is read-only at any depth; `members` stays as it is."""
    return FrozenDict({name: _frozen(value) for name, value in members.items()})


def thawed(value: object) -> object:
    """Return a copy of `value` with mutable objects and arrays."""
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
        return tuple(map(_frozen, value))
    return frozen(value) if is_object(value) else value
