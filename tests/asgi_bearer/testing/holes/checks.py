"""Checks on top of the neutral core, as the modules for frameworks make them."""

import functools
import inspect
from typing import Any

from asgi_bearer.guard.declared import declare
from asgi_bearer.guard.endpoints import Refusal, refusal


class Stopped(Exception):
    """A check refuses the request."""

    def __init__(self, refused: Refusal) -> None:
        self.refused = refused
        super().__init__("refused")


def stop_unless_permitted(scope: Any, *scopes: str) -> None:
    refused = refusal(scope, *scopes)
    if refused is not None:
        raise Stopped(refused)


def checked(respond: Any, scope_of: Any, *scopes: str) -> Any:
    """Return a decorator that responds with the refusal, without calling the endpoint."""

    def decorate(endpoint: Any) -> Any:
        @functools.wraps(endpoint)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            refused = refusal(scope_of(*args), *scopes)
            return endpoint(*args, **kwargs) if refused is None else respond(refused)

        @functools.wraps(endpoint)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            refused = refusal(scope_of(*args), *scopes)
            return await endpoint(*args, **kwargs) if refused is None else respond(refused)

        protected = async_wrapper if inspect.iscoroutinefunction(endpoint) else wrapper
        declare(protected, endpoint, scopes)
        return protected

    return decorate
