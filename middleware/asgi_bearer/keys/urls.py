"""Checks the URLs of issuers, metadata and keys: https, or http on loopback and `allow_http` hosts.

These URLs come from the operator or the issuer's metadata, never from a token.
"""

import re
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Final, TypeGuard
from urllib.parse import urlsplit

MAX_ADDRESS_CHARACTERS: Final = 2048
"""Some software fails with longer URLs, and they are logged."""

_HOST_AND_PORT = re.compile(r"(?:[^@\[\]:]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
"""urlsplit ignores text around the brackets of an IPv6 address. Other parsers do not."""

_ALLOW_HTTP_ENTRY = re.compile(
    r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
)
"""A host with or without a port; no pattern, no scheme, no path."""

_HTTP_PORT: Final = 80
_HTTPS_PORT: Final = 443

_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
"""Other text before the two slashes may be part of a password."""


def is_loopback(host: str) -> bool:
    """Return whether `host` is a loopback host."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of the checked `url` (RFC 6454 §4)."""
    parts = urlsplit(url)
    default = _HTTP_PORT if parts.scheme == "http" else _HTTPS_PORT
    return parts.scheme, parts.hostname or "", default if parts.port is None else parts.port


def on_loopback(url: str) -> bool:
    """Return whether the host of the checked `url` is a loopback host."""
    return is_loopback(urlsplit(url).hostname or "")


def address_fault(url: object, *, allow_http: Collection[str] = ()) -> str | None:
    """Return what is wrong with `url` as the URL of keys or metadata, or None.

    Arguments:
        allow_http: hosts, such as `keycloak:8080`, that may be used without TLS.
    """
    if not isinstance(url, str) or not url:
        return "must be a URL"
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        return "must be a URL without spaces, backslashes or non-ASCII characters"
    if len(url) > MAX_ADDRESS_CHARACTERS:
        return f"must be a URL of at most {MAX_ADDRESS_CHARACTERS} characters"
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return "must be a URL with a valid host and port"
    if not host:
        return "must be an absolute URL with a host"
    if "@" in parts.netloc:
        return "must not hold a user name or password"
    if _HOST_AND_PORT.fullmatch(parts.netloc) is None:
        return "must be a URL with a valid host and port"
    if "#" in url:
        return "must not have a fragment"
    if parts.scheme == "https":
        return None
    if parts.scheme == "http" and (is_loopback(host) or may_be_http(url, allow_http)):
        return None
    return "must be https (http only on a loopback host, or one that allow_http names)"


def may_be_http(url: str, allow_http: Collection[str]) -> bool:
    """Return whether `url` is http, with a host and port that `allow_http` names."""
    scheme, *host_and_port = origin(url)
    return scheme == "http" and tuple(host_and_port) in http_hosts(allow_http)


def http_hosts(allow_http: object) -> frozenset[tuple[str, int]]:
    """Return host and port of each valid entry of `allow_http`. The default port is 80."""
    hosts = (_host_and_port(entry) for entry in _entries(allow_http) or ())
    return frozenset(host for host in hosts if host is not None)


def allow_http_faults(allow_http: object) -> list[str]:
    """Return a sentence for each invalid entry of `allow_http`."""
    entries = _entries(allow_http)
    if entries is None:
        kind = type(allow_http).__name__
        return [f"allow_http must be a collection of hosts, as {{'keycloak:8080'}}, not {kind}"]
    return [
        f"allow_http: {shown_address(entry)!r} is not a host, such as keycloak:8080"
        for entry in entries
        if _host_and_port(entry) is None
    ]


def _entries(allow_http: object) -> tuple[object, ...] | None:
    """Return the entries; a string is one entry. None if it is not a collection."""
    if isinstance(allow_http, str):
        return (allow_http,)
    return tuple(allow_http) if _is_collection(allow_http) else None


def _is_collection(value: object) -> TypeGuard[Collection[object]]:
    # An iterator is not a collection: it can be read only once.
    return isinstance(value, Collection) and not isinstance(value, bytes | bytearray | Mapping)


def _host_and_port(entry: object) -> tuple[str, int] | None:
    if not isinstance(entry, str) or _ALLOW_HTTP_ENTRY.fullmatch(entry) is None:
        return None
    try:
        parts = urlsplit(f"//{entry}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    return None if not host or port == 0 else (host, port or _HTTP_PORT)


def shown_address(url: object) -> object:
    """Return `url` for the log: without user name, password, query and fragment."""
    if not isinstance(url, str):
        return url if url is None else type(url).__name__
    scheme = _SCHEME.match(url)
    start = scheme[0] if scheme else ""
    rest = url[len(start) :].rpartition("@")[2]
    return (start + re.split(r"[?#]", rest, maxsplit=1)[0])[:MAX_ADDRESS_CHARACTERS]


def issuer_fault(issuer: object, *, allow_http: Collection[str] = ()) -> str | None:
    """Return what is wrong with `issuer` as an issuer identifier (RFC 8414 §2), or None."""
    if fault := address_fault(issuer, allow_http=allow_http):
        return fault
    return "must not have a query" if "?" in str(issuer) else None
