"""Checks the arguments of `BearerMiddleware`, which reports all faults at once."""

from collections.abc import Iterator

from asgi_bearer.guard.challenge import checked_realm
from asgi_bearer.guard.endpoints import is_verifier
from asgi_bearer.guard.websocket import is_subprotocol


def name_faults(realm: object, subprotocol: object) -> Iterator[str]:
    """Yield what is wrong with the realm and the subprotocol."""
    try:
        checked_realm(realm)
    except ValueError as err:
        yield str(err)
    if subprotocol is not None and not is_subprotocol(subprotocol):
        yield (
            "websocket_subprotocol must be the name of a subprotocol (RFC 6455 §4.1), not"
            f" {subprotocol!r}"
        )


def flag_faults(**flags: object) -> Iterator[str]:
    """Yield which arguments are neither True nor False."""
    for name, flag in flags.items():
        if not isinstance(flag, bool):
            yield f"{name} must be True or False, not {flag!r}"


def object_faults(app: object, verifier: object, clock: object) -> Iterator[str]:
    """Yield which objects cannot be what their names say."""
    if not callable(clock):
        yield "clock must return the seconds since the epoch"
    if not is_verifier(verifier):
        yield "verifier must be an object with a method verify, such as a JWTVerifier"
    if not callable(app):
        yield "app must be an ASGI application"
