"""A refusal -> what goes over the wire: status, WWW-Authenticate, problem body.

Nothing in here depends on the request, so nothing a caller sends can come back in a header.
"""

import json
import math
from collections.abc import Iterable
from functools import lru_cache
from http import HTTPStatus
from typing import Final, cast

from asgi_bearer import errors
from asgi_bearer.errors import AccessTokenError, InsufficientScope, NotJudgedError
from asgi_bearer.scopes import is_scope_name

_REMEMBERED: Final = 256
"""There are some twenty kinds of refusal, and seldom more than a few realms."""

_Written = tuple[tuple[tuple[bytes, bytes], ...], bytes]


def checked_realm(realm: object) -> str:
    """Return `realm` if it can stand in a quoted-string (RFC 9110 §5.6.4).

    Raises:
        ValueError: it is empty, or not printable ASCII.
    """
    if not isinstance(realm, str) or not (realm and realm.isascii() and realm.isprintable()):
        raise ValueError(f"realm must be printable ASCII and not empty, not {realm!r}")
    return realm


def checked_scopes(scopes: str | Iterable[str]) -> tuple[str, ...]:
    """Return `scopes` as a tuple without repetition; one string is one scope.

    Raises:
        ValueError: a name holds what scope-token does not allow (RFC 6749 §3.3).
    """
    names = _names(scopes)
    # A set has no order of its own, and a challenge must not change from start to start.
    return tuple(sorted(names) if isinstance(scopes, set | frozenset) else dict.fromkeys(names))


def _names(scopes: object) -> list[str]:
    # What cannot be gone through is no name, and is named like a wrong one.
    listed: Iterable[object] = (scopes,)
    if isinstance(scopes, Iterable) and not isinstance(scopes, str | bytes):
        listed = cast("Iterable[object]", scopes)
    names: list[str] = []
    for name in listed:
        if not isinstance(name, str) or not is_scope_name(name):
            raise ValueError(f"scopes: {name!r} is not one scope name")
        names.append(name)
    return names


def challenge(refusal: AccessTokenError, realm: str) -> str | None:
    """Return the WWW-Authenticate value for `refusal`, or None where there is to be none.

    RFC 6750 §3. A 503 has none: another token would be judged no sooner.
    """
    if isinstance(refusal, NotJudgedError):
        return None
    parameters = {"realm": realm}
    if refusal.error is not None:
        parameters["error"] = refusal.error
        parameters["error_description"] = refusal.sentence
    if isinstance(refusal, InsufficientScope):
        # A verifier or a rule of somebody else's may have put anything in.
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
    """Return headers, as ASGI has them, and body of the response to a refused request."""
    if type(refusal).__module__ == errors.__name__ and vars(refusal).keys() == {"reason"}:
        # Nothing of this one alone is told, and refusals of its kind come in floods.
        # mypy takes the hash of the class for that of its instances.
        fields, body = _of_kind(type(refusal), realm)  # type: ignore[arg-type]
    else:
        fields, body = _written(refusal, realm)
    return list(fields), body


@lru_cache(_REMEMBERED)
def _of_kind(kind: type[AccessTokenError], realm: str) -> _Written:
    return _written(kind.__new__(kind), realm)


def _written(refusal: AccessTokenError, realm: str) -> _Written:
    body = json.dumps(problem(refusal)).encode("ascii")
    fields = {
        "content-type": "application/problem+json",
        "content-length": str(len(body)),
        **headers(refusal, realm),
    }
    sent = ((name.encode("ascii"), value.encode("ascii")) for name, value in fields.items())
    return tuple(sent), body


def headers(refusal: AccessTokenError, realm: str) -> dict[str, str]:
    """Return the headers that belong to `refusal`, whatever the body is."""
    fields = {"cache-control": "no-store"}
    value = challenge(refusal, realm)
    if value is not None:
        fields["www-authenticate"] = value
        # A browser's script sees the challenge only if it is named here (Fetch, CORS protocol).
        fields["access-control-expose-headers"] = "WWW-Authenticate"
    if isinstance(refusal, NotJudgedError):
        fields["retry-after"] = str(max(1, math.ceil(refusal.retry_after)))
        fields["access-control-expose-headers"] = "Retry-After"
    return fields


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
