"""Which paths need no token: those that the operator names, as the application routes them."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast

_ANY_METHOD: Final = ""
_NO_METHOD: Final = "WebSocket"
"""Neither can be configured: a method has only capital letters."""

_METHOD: Final = re.compile("[A-Z]+")
_PATH: Final = re.compile("/[^?#*]*")
"""What could only stand in a URL or a pattern would never match and is refused."""

_NEEDS_NO_ESCAPE: Final = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/"
)
"""What may stand in a path as it is (RFC 3986 §3.3)."""

_ESCAPE: Final = re.compile(b"%([0-9A-Fa-f]{2})")


class PublicPaths:
    """The requests that are never judged.

    Arguments:
        entries: paths (`/healthz`), or a method and a path (`GET /docs`, which covers HEAD).
    """

    def __init__(self, entries: str | Collection[str]) -> None:
        self.faults: list[str] = []
        self._methods: defaultdict[str, set[str]] = defaultdict(set)
        for entry in _listed(entries):
            # A path may hold a space; a method comes before the first one.
            text = entry if isinstance(entry, str) else ""
            method, _, path = ("", "", text) if text[:1] == "/" else text.partition(" ")
            if not _PATH.fullmatch(path) or (method and not _METHOD.fullmatch(method)):
                self.faults.append(f"public: {entry!r} is neither a path nor a method and a path")
            else:
                self._methods[path].add(method or _ANY_METHOD)
        self.some = bool(self._methods)

    def cover(self, scope: Mapping[str, Any]) -> bool:
        """Return whether the request of this ASGI scope needs no token."""
        path = routed_path(scope)
        methods = self._methods.get(path)
        if methods is None or not _is_spelled_plainly(scope, path):
            return False
        # A server may name a method for a WebSocket as well, where it says nothing.
        method = str(scope.get("method")) if scope["type"] == "http" else _NO_METHOD
        return not methods.isdisjoint({_ANY_METHOD, method, "GET" if method == "HEAD" else method})


def _listed(entries: object) -> Iterable[object]:
    # What cannot be gone through is no entry, and is named like a wrong one.
    if isinstance(entries, Iterable) and not isinstance(entries, str | bytes):
        return cast("Iterable[object]", entries)
    return (entries,)


def routed_path(scope: Mapping[str, Any]) -> str:
    """Return the path that an application routes by: that of the scope without `root_path`.

    As Starlette does it, also where `root_path` ends with a slash. Where a server leaves
    `root_path` out of the path, there is nothing to take away. A URL, in which the Host header
    takes part, is never looked at.
    """
    path, root = scope.get("path"), scope.get("root_path") or ""
    if not isinstance(path, str) or not isinstance(root, str):
        return ""  # no public path
    if root and path.startswith(root) and path[len(root) :][:1] in ("", "/"):
        return path[len(root) :]
    return path


def _is_spelled_plainly(scope: Mapping[str, Any], path: str) -> bool:
    """Return whether the path as it was sent has no escapes but those that it must have.

    Some frameworks route by `raw_path`: to them `/%70ublic` is another path than `/public`.
    """
    raw = scope.get("raw_path")
    if raw is None:
        return True
    if not isinstance(raw, bytes):
        return False
    root = str(scope.get("root_path") or "")
    raw = raw.partition(b"?")[0]
    # A server hands it on with root_path in front, as it was configured or escaped, or without.
    return _without_needed_escapes(raw) in (_encoded(path), _encoded(root + path)) or (
        _without_needed_escapes(raw.removeprefix(_encoded(root))) == _encoded(path)
    )


def _without_needed_escapes(raw: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped_if_needed, raw)


def _unescaped_if_needed(escape: re.Match[bytes]) -> bytes:
    character = bytes.fromhex(escape[1].decode("ascii"))
    return escape[0] if character in _NEEDS_NO_ESCAPE else character


def _encoded(text: str) -> bytes:
    # What is no text (a lone surrogate) was not sent, and becomes what no path holds.
    return text.encode("utf-8", "replace")
