"""The routes that the caller of `assert_guarded` declares to be public."""

import re
from collections.abc import Collection
from typing import Final

_ENTRY: Final = re.compile(r"(?:([A-Z]+) )?(/.*)", re.DOTALL)
_ANY: Final = ""


class DeclaredPublic:
    """Compares routes with the entries of `public`, and remembers which entries had a route.

    Arguments:
        entries: paths (`/healthz`, `/items/{id}`, `/static/*`), or a method and a path
            (`GET /docs`, which covers HEAD, or `WEBSOCKET /news`).

    Raises:
        ValueError: an entry is neither.
    """

    def __init__(self, entries: Collection[str]) -> None:
        if isinstance(entries, str):
            raise ValueError(f"public must be a set of paths, not the string {entries!r}")
        self._entries: dict[str, tuple[str, str]] = {}
        self._used: set[str] = set()
        for entry in entries:
            match = _ENTRY.fullmatch(entry)
            if match is None:
                raise ValueError(f"public: {entry!r} must be a path, or a method and a path")
            self._entries[entry] = (match[1] or _ANY, match[2])

    def covers(self, method: str, path: str) -> bool:
        """Return whether `method` is declared public at the path of a route."""
        found = False
        for entry, (declared, pattern) in self._entries.items():
            is_path = pattern == path or (pattern.endswith("/*") and path.startswith(pattern[:-1]))
            if is_path and declared in (_ANY, method, "GET" if method == "HEAD" else method):
                self._used.add(entry)
                found = True
        return found

    def method_and_path(self, entry: str) -> tuple[str, str]:
        """Return the method and the path of an entry; the method is GET if it names none."""
        method, path = self._entries[entry]
        return method or "GET", path

    def without_route(self) -> list[str]:
        """Return the entries that no route has."""
        return sorted(self._entries.keys() - self._used)
