"""Which paths need no token: those that the operator names, as the application routes them."""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any, Final
from urllib.parse import quote

_ANY_METHOD: Final = ""
_NO_METHOD: Final = "WebSocket"
"""Neither can be configured: a method has only capital letters."""

_METHOD: Final = re.compile("[A-Z]+")
_PATH: Final = re.compile("/[^?#*]*")
"""What could only stand in a URL or a pattern would never match and is refused."""

_NEEDS_NO_ESCAPE: Final = "/!$&'()*+,;=:@"
"""What may stand in a path beside letters, digits and `-._~` (RFC 3986 §3.3)."""

_ESCAPE: Final = re.compile(b"%[0-9A-Fa-f]{2}")


class PublicPaths:
    """The requests that are never judged.

    Arguments:
        entries: paths (`/healthz`), or a method and a path (`GET /docs`, which covers HEAD).
    """

    def __init__(self, entries: str | Collection[str]) -> None:
        self.faults: list[str] = []
        self._methods: defaultdict[str, set[str]] = defaultdict(set)
        for entry in [entries] if isinstance(entries, str) else entries:
            # A path may hold a space; a method comes before the first one.
            method, _, path = ("", "", entry) if entry[:1] == "/" else entry.partition(" ")
            if not _PATH.fullmatch(path) or (method and not _METHOD.fullmatch(method)):
                self.faults.append(f"public: {entry!r} is neither a path nor a method and a path")
            else:
                self._methods[path].add(method or _ANY_METHOD)

    def cover(self, scope: Mapping[str, Any]) -> bool:
        """Return whether the request of this ASGI scope needs no token."""
        path = routed_path(scope)
        methods = self._methods.get(path)
        if methods is None or not _is_spelled_plainly(scope, path):
            return False
        # A server may name a method for a WebSocket as well, where it says nothing.
        method: str = scope["method"] if scope["type"] == "http" else _NO_METHOD
        return not methods.isdisjoint({_ANY_METHOD, method, "GET" if method == "HEAD" else method})


def routed_path(scope: Mapping[str, Any]) -> str:
    """Return the path that an application routes by: that of the scope without `root_path`.

    As Starlette does it, also where `root_path` ends with a slash. Where a server leaves it out of
    the path, there is nothing to take away. A URL, in which the Host header takes part, is never
    looked at.
    """
    path, root = str(scope["path"]), str(scope.get("root_path") or "")
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
    sent = _ESCAPE.sub(lambda escape: escape[0].upper(), raw.partition(b"?")[0])
    plain = quote(path, safe=_NEEDS_NO_ESCAPE).encode("ascii")
    if not sent.endswith(plain):
        return False
    # In front of it may stand the root_path, escaped or not.
    root = str(scope.get("root_path") or "")
    escaped = quote(root, safe=_NEEDS_NO_ESCAPE).encode("ascii")
    return sent[: len(sent) - len(plain)] in (b"", escaped, root.encode("utf-8", "replace"))
