"""Matches the public paths, which need no token, as the application routes them."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, cast

_ANY_METHOD: Final = ""
_NO_METHOD: Final = "WebSocket"
"""Not configurable: a configured method has only capital letters."""

_METHOD: Final = re.compile("[A-Z]+")
_PATH: Final = re.compile("/[^?#*]*")
"""Characters of URLs and patterns are refused, because such an entry would never match."""

_UNESCAPED: Final = (
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/"
)
"""Characters that need no percent-escape in a path (RFC 3986 §3.3)."""

_ESCAPE: Final = re.compile(b"%([0-9A-Fa-f]{2})")


class PublicPaths:
    """The requests that need no token.

    Arguments:
        entries: paths (`/healthz`), or a method and a path (`GET /docs`, which covers HEAD).
    """

    def __init__(self, entries: str | Collection[str]) -> None:
        self.faults: list[str] = []
        self._methods: defaultdict[str, set[str]] = defaultdict(set)
        for entry in _as_entries(entries):
            # A path may hold spaces. Otherwise the method stands before the first space.
            text = entry if isinstance(entry, str) else ""
            method, _, path = ("", "", text) if text[:1] == "/" else text.partition(" ")
            if not _PATH.fullmatch(path) or (method and not _METHOD.fullmatch(method)):
                self.faults.append(f"public: {entry!r} must be a path, or a method and a path")
            else:
                self._methods[path].add(method or _ANY_METHOD)
        self.is_empty = not self._methods

    @property
    def paths(self) -> frozenset[str]:
        """The configured paths."""
        return frozenset(self._methods)

    def match(self, scope: Mapping[str, Any]) -> bool:
        """Return whether the request of this ASGI scope needs no token."""
        path = routed_path(scope)
        methods = self._methods.get(path)
        if methods is None or _has_needless_escapes(scope, path):
            return False
        # Some servers set a method for a WebSocket too, where it has no meaning.
        method = str(scope.get("method")) if scope["type"] == "http" else _NO_METHOD
        return not methods.isdisjoint({_ANY_METHOD, method, "GET" if method == "HEAD" else method})


def _as_entries(entries: object) -> Iterable[object]:
    # A value of another type becomes one entry, which is then reported as wrong.
    if isinstance(entries, Iterable) and not isinstance(entries, str | bytes):
        return cast("Iterable[object]", entries)
    return (entries,)


def routed_path(scope: Mapping[str, Any]) -> str:
    """Return the path that the application routes by: `path` without `root_path`.

    This is Starlette's rule, also for a `root_path` that ends with a slash. Some servers leave
    `root_path` out of `path`; then `path` is returned as it is.
    """
    path, root = scope.get("path"), scope.get("root_path") or ""
    if not isinstance(path, str) or not isinstance(root, str):
        return ""  # matches no public path
    if root and path.startswith(root) and path[len(root) :][:1] in ("", "/"):
        return path[len(root) :]
    return path


def _has_needless_escapes(scope: Mapping[str, Any], path: str) -> bool:
    """Return whether the client escaped characters of the path that need no percent-escape.

    Some frameworks route by `raw_path`: for them `/%70ublic` is not the path `/public`.
    """
    raw = scope.get("raw_path")
    if raw is None:
        return False
    if not isinstance(raw, bytes):
        return True
    root = str(scope.get("root_path") or "")
    raw = raw.partition(b"?")[0]
    # Servers put root_path in front of it, escaped or not, or leave it out.
    return _without_needed_escapes(raw) not in (_encoded(path), _encoded(root + path)) and (
        _without_needed_escapes(raw.removeprefix(_encoded(root))) != _encoded(path)
    )


def _without_needed_escapes(raw: bytes) -> bytes:
    return _ESCAPE.sub(_unescaped_if_needed, raw)


def _unescaped_if_needed(escape: re.Match[bytes]) -> bytes:
    character = bytes.fromhex(escape[1].decode("ascii"))
    return escape[0] if character in _UNESCAPED else character


def _encoded(text: str) -> bytes:
    # A lone surrogate cannot be sent. The replacement character matches no path.
    return text.encode("utf-8", "replace")
