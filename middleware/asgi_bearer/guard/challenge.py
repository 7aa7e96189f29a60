"""The response to a refused request: status, WWW-Authenticate header and problem body.

None of it depends on the request, so a client cannot inject text into a header.
"""

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from asgi_bearer import errors
from asgi_bearer.errors import AccessTokenError, InsufficientScope, NotJudgedError
from asgi_bearer.scopes import is_scope_name

if TYPE_CHECKING:
    from starlette.types import Send

_CACHED_RESPONSES: Final = 256
"""There are about thirty classes of refusal, and most applications have one realm."""

_Response = tuple[tuple[tuple[bytes, bytes], ...], bytes]


def checked_realm(realm: object) -> str:
    """Return `realm` if it fits into a quoted-string (RFC 9110 §5.6.4).

    Raises:
        ValueError: it is empty or not printable ASCII.
    """
    if not isinstance(realm, str) or not (realm and realm.isascii() and realm.isprintable()):
        raise ValueError(f"realm must be printable ASCII and not empty, not {realm!r}")
    return realm


def challenge(refusal: AccessTokenError, realm: str) -> str | None:
    """Return the WWW-Authenticate value for `refusal` (RFC 6750 §3), or None for a 503.

    A client that got a challenge with a 503 would throw away a token that may be good.
    """
    if isinstance(refusal, NotJudgedError):
        return None
    parameters = {"realm": realm}
    if refusal.error is not None:
        parameters["error"] = refusal.error
        parameters["error_description"] = refusal.sentence
    if isinstance(refusal, InsufficientScope):
        # A custom verifier or rule may pass any text.
        scopes = filter(is_scope_name, refusal.scopes)
        parameters |= {"scope": names} if (names := " ".join(scopes)) else {}
    return "Bearer " + ", ".join(f"{name}={_quoted(text)}" for name, text in parameters.items())


def problem(refusal: AccessTokenError) -> dict[str, object]:
    """Return the members of the problem body for `refusal` (RFC 9457 §3.1)."""
    members: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "detail": refusal.sentence,
    }
    if refusal.error is not None:
        members["error"] = refusal.error
    return members


def response(refusal: AccessTokenError, realm: str) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """Return the ASGI headers and the body of the response to a refused request."""
    if type(refusal).__module__ == errors.__name__ and vars(refusal).keys() == {"reason"}:
        # The response depends on the class alone, and a flood of bad tokens asks for it often.
        # mypy confuses the hash of the class with the hash of its instances.
        fields, body = _cached_response(type(refusal), realm)  # type: ignore[arg-type]
    else:
        fields, body = _response(refusal, realm)
    return list(fields), body


async def send_response(
    scope: Mapping[str, Any], send: "Send", refusal: AccessTokenError, realm: str
) -> None:
    """Send the response to a refused HTTP request; the response to HEAD has no body."""
    fields, body = response(refusal, realm)
    await send({"type": "http.response.start", "status": refusal.status, "headers": fields})
    body = b"" if scope.get("method") == "HEAD" else body
    await send({"type": "http.response.body", "body": body})


@lru_cache(_CACHED_RESPONSES)
def _cached_response(kind: type[AccessTokenError], realm: str) -> _Response:
    return _response(kind.__new__(kind), realm)


def _response(refusal: AccessTokenError, realm: str) -> _Response:
    body = json.dumps(problem(refusal)).encode("ascii")
    fields = {
        "content-type": "application/problem+json",
        "content-length": str(len(body)),
        **headers(refusal, realm),
    }
    encoded = ((name.encode("ascii"), value.encode("ascii")) for name, value in fields.items())
    return tuple(encoded), body


def headers(refusal: AccessTokenError, realm: str) -> dict[str, str]:
    """Return the headers for `refusal`, for any body."""
    fields = {"cache-control": "no-store"}
    value = challenge(refusal, realm)
    if value is not None:
        fields["www-authenticate"] = value
        # Scripts in a browser can read only the headers that are listed here (Fetch standard).
        fields["access-control-expose-headers"] = "WWW-Authenticate"
    if isinstance(refusal, NotJudgedError):
        fields["retry-after"] = str(max(1, math.ceil(refusal.retry_after)))
        fields["access-control-expose-headers"] = "Retry-After"
    return fields


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
