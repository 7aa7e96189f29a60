"""The redirect URIs and origins of clients: what may be registered, and what a request may use
(RFC 9700 §4.1)."""

import re
from collections.abc import Collection
from urllib.parse import unquote, urlsplit

from asgi_bearer.keys import MAX_ADDRESS_CHARACTERS, address_fault

_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""The characters of a URI without a fragment (RFC 3986 §2)."""

_PRIVATE_USE_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+-]*(?:\.[A-Za-z0-9+-]+)+:")
"""A private-use scheme: a reversed domain name (RFC 8252 §7.1). Its dot excludes `javascript`."""

_LOOPBACK = re.compile(
    r"http://(?P<host>127\.0\.0\.1|\[::1\]|localhost)(?::(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<rest>(?:[/?].*)?)"
)
"""The names of this machine that native applications use, with an optional port."""

_MAX_PORT = 65535

_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_registered(uri: str, registered: Collection[str], *, any_loopback_port: bool) -> bool:
    """Return whether a request may use this redirect URI: it must equal a registered one, byte for
    byte (RFC 9700 §2.1, §4.1.3).

    Arguments:
        any_loopback_port: True for a public client. A native application listens on the port that
            the system gives it, so the port of a loopback address may differ from the registered
            one (RFC 8252 §7.3). Host, path and query must be equal.
    """
    if uri in registered:
        return True
    requested = _LOOPBACK.fullmatch(uri) if any_loopback_port else None
    if requested is None or int(requested["port"] or "80") > _MAX_PORT:
        return False
    return any(
        (known["host"], known["rest"]) == (requested["host"], requested["rest"])
        for known in map(_LOOPBACK.fullmatch, registered)
        if known is not None and _port_may_vary(known)
    )


def _port_may_vary(known: re.Match[str]) -> bool:
    # RFC 8252 §8.3 advises against `localhost`, which may resolve to another machine, but RFC 9700
    # §4.1.3 lets its port vary for native applications. A registration without a port is for such
    # an application. One with a port names a single program on this machine.
    return known["host"] != "localhost" or known["port"] is None


def redirect_uri_fault(uri: str) -> str | None:
    """Return what is wrong with a redirect URI, without quoting it, or None."""
    if len(uri) > MAX_ADDRESS_CHARACTERS:
        return f"must have at most {MAX_ADDRESS_CHARACTERS} characters"
    if "#" in uri:
        return "must not have a fragment"
    if _CHARACTERS.fullmatch(uri) is None:
        return "must be an absolute URI with valid characters"
    if uri.lower().startswith(("http:", "https:")):
        fault = address_fault(uri)
    elif _PRIVATE_USE_SCHEME.match(uri) is None:
        return "must be https, http on a loopback host, or have a scheme like com.example.app"
    else:
        fault = _authority_fault(uri)
    if fault is None and not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(_path(uri)))):
        return "must not have . or .. in its path"
    return fault


def origin(uri: str) -> str | None:
    """Return the origin of a redirect URI, as browsers write it (RFC 6454 §6.2).

    None for a private-use scheme, which no page in a browser has.
    """
    parts = urlsplit(uri)
    if parts.scheme not in _DEFAULT_PORTS or parts.hostname is None:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def origin_fault(value: str) -> str | None:
    """Return what is wrong with an origin, without quoting it, or None."""
    fault = address_fault(value)
    if fault is None and origin(value) != value:
        return "must be an origin as browsers write it, such as https://app.example"
    return fault


def _authority_fault(uri: str) -> str | None:
    try:
        return "must not contain a user name or password" if "@" in urlsplit(uri).netloc else None
    except ValueError:
        return "must be a URI with a valid host"


def _path(uri: str) -> str:
    return urlsplit(uri).path
