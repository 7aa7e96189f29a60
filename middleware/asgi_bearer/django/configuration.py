"""Reads the setting `ASGI_BEARER`, and reports all its mistakes at once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils.module_loading import import_string

from asgi_bearer.django.users import UserOf
from asgi_bearer.guard.challenge import checked_realm
from asgi_bearer.guard.public_paths import PublicPaths
from asgi_bearer.jwt.verifier import Verifier

_NAMES: Final = ("VERIFIER", "REALM", "PUBLIC", "OPTIONAL", "USER")
_VERIFIER_HINT: Final = "a JWTVerifier, or the dotted path to one"
_USER_HINT: Final = "a function from a Principal to a user, or the dotted path to one"


@dataclass(frozen=True, slots=True)
class Configuration:
    """The setting `ASGI_BEARER`, checked.

    Arguments:
        verifier: verifies access tokens.
        realm: the realm in challenges.
        public: requests that need no token.
        public_prefixes: beginnings of paths that need no token.
        optional: requests without credentials are anonymous.
        user_of: returns `request.user`, or None if `request.user` is left alone.
    """

    verifier: Verifier
    realm: str
    public: PublicPaths
    public_prefixes: tuple[str, ...]
    optional: bool
    user_of: UserOf | None

    def is_public(self, request: HttpRequest) -> bool:
        """Return whether a request needs no token. Django routes by `path_info`, too."""
        path = request.path_info
        return path.startswith(self.public_prefixes) or self.public.match(
            {"type": "http", "method": request.method, "path": path}
        )


_last: list[tuple[object, Configuration]] = []
"""The setting that was read last; tests replace it."""


def configuration() -> Configuration:
    """Return the setting `ASGI_BEARER`.

    Raises:
        ImproperlyConfigured: names every mistake.
    """
    setting: object = getattr(settings, "ASGI_BEARER", None)
    if not _last or _last[0][0] is not setting:
        read, faults = _read(setting)
        if read is None or faults:
            raise ImproperlyConfigured(f"ASGI_BEARER: {'; '.join(faults)}")
        _last[:] = [(setting, read)]
        return read
    return _last[0][1]


def faults() -> list[str]:
    """Return a sentence for each mistake in the setting `ASGI_BEARER`."""
    return _read(getattr(settings, "ASGI_BEARER", None))[1]


def _read(setting: object) -> tuple[Configuration | None, list[str]]:
    if not isinstance(setting, Mapping):
        return None, [f"the settings need ASGI_BEARER = {{'VERIFIER': ...}}, {_VERIFIER_HINT}"]
    values = cast("Mapping[object, object]", setting)
    faults = [f"{name!r} is not one of {', '.join(_NAMES)}" for name in values.keys() - {*_NAMES}]
    verifier = _imported("VERIFIER", values.get("VERIFIER"), faults)
    if isinstance(verifier, type) or not callable(getattr(verifier, "verify", None)):
        faults.append(f"VERIFIER must be {_VERIFIER_HINT}")
    user_of = _imported("USER", values.get("USER"), faults)
    if user_of is not None and not callable(user_of):
        faults.append(f"USER must be {_USER_HINT}")
    realm = values.get("REALM", "api")
    try:
        checked_realm(realm)
    except ValueError as err:
        faults.append(f"REALM: {err}")
    optional = values.get("OPTIONAL", False)
    if not isinstance(optional, bool):
        faults.append(f"OPTIONAL must be True or False, not {optional!r}")
    paths, prefixes = _public(values.get("PUBLIC", ()))
    public = PublicPaths(paths)
    faults += [fault.replace("public:", "PUBLIC:", 1) for fault in public.faults]
    read = Configuration(
        cast("Verifier", verifier),
        str(realm),
        public,
        prefixes,
        bool(optional),
        cast("UserOf | None", user_of),
    )
    return read, faults


def _imported(name: str, value: object, faults: list[str]) -> object:
    if not isinstance(value, str):
        return value
    try:
        return cast("object", import_string(value))
    except ImportError as err:
        faults.append(f"{name}: {err}")
        return None


def _public(entries: object) -> tuple[list[str], tuple[str, ...]]:
    """Return paths, and the beginnings of paths in the entries that end with `/*`."""
    listed: Iterable[object] = (entries,)
    if isinstance(entries, Iterable) and not isinstance(entries, str | bytes):
        listed = cast("Iterable[object]", entries)
    paths: list[str] = []
    prefixes: list[str] = []
    for entry in listed:
        # "/*" is no prefix: then nothing would need a token. PublicPaths reports it.
        text = entry if isinstance(entry, str) else ""
        prefix = text.removesuffix("*")
        is_prefix = text.startswith("/") and text.endswith("/*") and text != "/*"
        if is_prefix and not PublicPaths([prefix]).faults:
            prefixes.append(prefix)
        else:
            paths.append(cast("str", entry))
    return paths, tuple(prefixes)
