"""Which addresses may be registered for a client to be sent back to (RFC 9700 §4.1)."""

import re
from urllib.parse import unquote, urlsplit

from asgi_bearer.keys.address import MAX_ADDRESS_CHARACTERS, address_fault

_CHARACTERS = re.compile(r"(?:[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""Those of a URI (RFC 3986 §2) without the sign that begins a fragment."""

_OWN_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+-]*(?:\.[A-Za-z0-9+-]+)+:")
"""A reversed domain name (RFC 8252 §7.1); `javascript` and `data` have no dot."""


def redirect_uri_fault(uri: str) -> str | None:
    """Return what is wrong with a redirect URI, without quoting it, or None."""
    if len(uri) > MAX_ADDRESS_CHARACTERS:
        return f"must have at most {MAX_ADDRESS_CHARACTERS} characters"
    if "#" in uri:
        return "must not have a fragment"
    if _CHARACTERS.fullmatch(uri) is None:
        return "must be an absolute URI, of the characters that a URI has"
    if uri.lower().startswith(("http:", "https:")):
        fault = address_fault(uri)
    elif _OWN_SCHEME.match(uri) is None:
        return "must be https, http on a loopback host, or of a scheme like com.example.app"
    else:
        fault = _authority_fault(uri)
    if fault is None and not {".", ".."}.isdisjoint(re.split(r"[/\\]", unquote(_path(uri)))):
        return "must not have . or .. in its path"
    return fault


def _authority_fault(uri: str) -> str | None:
    try:
        return "must not hold a user name or password" if "@" in urlsplit(uri).netloc else None
    except ValueError:
        return "must be a URI with a valid host"


def _path(uri: str) -> str:
    return urlsplit(uri).path
