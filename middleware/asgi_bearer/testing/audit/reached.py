"""Tells whether a request reaches an endpoint, without running the endpoint's body.

`watching` replaces the code of the endpoints' functions until the audit ends. The new code notes
that it was reached and raises `Reached`. All that stands around a function stays as it is: routers,
middleware, dependencies, and decorators, whose checks therefore run. Replacing the function
itself would not do, because routers and decorators keep references to it.
"""

import inspect
import itertools
from collections.abc import AsyncIterator, Generator, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType, FunctionType
from typing import Any, Final, NoReturn, cast


class Reached(BaseException):
    """The request reached an endpoint. It is no `Exception`, so that error handlers pass it on."""


class Watch:
    """Collects the functions that requests have reached; `audit` empties it for each request."""

    def __init__(self) -> None:
        self.functions: list[FunctionType] = []


_numbers = itertools.count()
_watched: dict[str, tuple[Watch, FunctionType]] = {}


@contextmanager
def watching(functions: Iterable[FunctionType]) -> Generator[Watch]:
    """Replace the code of `functions`; return the `Watch` that notes which are reached."""
    watch = Watch()
    replaced: list[tuple[str, FunctionType, CodeType]] = []
    try:
        for function in dict.fromkeys(functions):
            name = f"watched_{next(_numbers)}"
            replaced.append((name, function, function.__code__))
            _watched[name] = (watch, function)
            function.__code__ = _watched_code(function.__code__, name)
        yield watch
    finally:
        for name, function, code in replaced:
            function.__code__ = code
            del _watched[name]


def note_reached() -> NoReturn:
    """Note which function was reached, and end the request. Called by the replaced code."""
    # The name of the code that calls tells which function it stands for.
    caller = cast("FrameType", inspect.currentframe()).f_back
    watch, function = _watched[cast("FrameType", caller).f_code.co_name]
    watch.functions.append(function)
    raise Reached


def _watched_code(code: CodeType, name: str) -> CodeType:
    # Frameworks ask a function during the request whether it is a coroutine function.
    new = _KINDS[code.co_flags & _KIND].__code__
    # A function takes only code with as many variables of enclosing functions as it has itself.
    return new.replace(co_name=name, co_freevars=code.co_freevars)


# The replaced code runs with the globals of the endpoint's module, so each one imports what it
# calls. The parameters are those of any call.


def _function(*_args: Any, **_kwargs: Any) -> None:
    from asgi_bearer.testing.audit.reached import note_reached

    note_reached()


async def _coroutine(*_args: Any, **_kwargs: Any) -> None:
    from asgi_bearer.testing.audit.reached import note_reached

    note_reached()


def _generator(*_args: Any, **_kwargs: Any) -> Iterator[None]:
    from asgi_bearer.testing.audit.reached import note_reached

    yield note_reached()


async def _async_generator(*_args: Any, **_kwargs: Any) -> AsyncIterator[None]:
    from asgi_bearer.testing.audit.reached import note_reached

    yield note_reached()


_KIND: Final = inspect.CO_COROUTINE | inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_KINDS: Final = {
    function.__code__.co_flags & _KIND: function
    for function in cast(
        "list[FunctionType]", [_function, _coroutine, _generator, _async_generator]
    )
}
