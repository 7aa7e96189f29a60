"""Headers of the application's responses that keep caches from mixing up clients (RFC 9111)."""

from collections.abc import Awaitable, Iterable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from starlette.types import Message, Send

_PRIVATE: Final = (b"cache-control", b"private")
_LENGTH: Final = len(b"cache-control")
_VARY: Final = (b"vary", b"Authorization")


def marking_private(send: "Send") -> "Send":
    """Return `send` so that no shared cache gives one client's response to another.

    The application's own `Cache-Control` stays (RFC 9111 §3.5).
    """

    # Every request makes this function. Annotations without quotes would be evaluated each time.
    def send_private(message: "Message") -> "Awaitable[None]":
        if message["type"] == "http.response.start":
            headers: Iterable[tuple[bytes, bytes]] = message.get("headers", ())
            if not isinstance(headers, list):
                headers = message["headers"] = list(headers)
            for name, _ in headers:
                # Comparing the length first avoids most calls of lower().
                if len(name) == _LENGTH and name.lower() == b"cache-control":
                    break
            else:
                # A new list, because an application may send the same list again.
                message["headers"] = [*headers, _PRIVATE]
        # Returning the server's awaitable saves a coroutine for each message.
        return send(message)

    return send_private


def varying(send: "Send") -> "Send":
    """Return `send` so that a cache keeps responses for anonymous clients apart from the others.

    They depend on the Authorization header, so `Vary` names it (RFC 9110 §12.5.5).
    """

    def send_varying(message: "Message") -> "Awaitable[None]":
        if message["type"] == "http.response.start":
            headers = message["headers"] = list(message.get("headers", ()))
            if _VARY not in headers:
                headers.append(_VARY)
        return send(message)

    return send_varying
