"""Which proxy of the environment connects to a host: one reading of it, by one set of rules.

`HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, in capitals or not; `NO_PROXY` names what is connected
to without one, separated by commas or spaces:

    idp.corp, .corp, *.corp     the host and all below it
    idp.corp:8443, [::1]:8443   the same, on this port only
    10.0.0.0/8, 2001:db8::/32   addresses, where the URL has one in place of a name
    *                           everything
"""

import re
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from asgi_bearer.keys.urls import is_loopback

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_SCHEMES: Final = frozenset({"http", "https", "socks5", "socks5h"})

_ENTRY: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


class ProxyMisnamed(ValueError):
    """The environment names a proxy that cannot be used; the message holds no part of it."""


def proxy_for(url: str) -> str | None:
    """Return the address of the proxy that connects to the checked `url`, None for none.

    Raises:
        ProxyMisnamed: what the environment names is no address of a proxy.
    """
    parts = urlsplit(url)
    host, scheme = (parts.hostname or "").rstrip("."), parts.scheme
    port = parts.port or _DEFAULT_PORTS.get(scheme, 0)
    if is_loopback(host):
        return None
    proxies = getproxies()
    # On some systems what is excepted stands in settings of the system.
    if _is_excepted(host, port, proxies.get("no", "")) or proxy_bypass(host):
        return None
    name = scheme if proxies.get(scheme) else "all"
    proxy = proxies.get(name, "").strip()
    return _checked(proxy, name) if proxy else None


def _checked(proxy: str, name: str) -> str:
    address = proxy if "://" in proxy else f"http://{proxy}"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not address.isprintable() or " " in address or "\\" in address:
        raise ProxyMisnamed(f"{name.upper()}_PROXY must name a proxy as in http://host:port")
    return address


def _is_excepted(host: str, port: int, excepted: str) -> bool:
    return any(_covers(entry, host, port) for entry in re.split(r"[,\s]+", excepted) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    with suppress(ValueError):  # One of the two is a name.
        return ip_address(host) in ip_network(entry, strict=False)
    match = _ENTRY.fullmatch(entry)
    if match is None or (match["port"] and int(match["port"]) != port):
        return False
    name = match["v6"] or match["name"].removeprefix("*").strip(".").lower()
    with suppress(ValueError):
        return ip_address(host) == ip_address(name)
    return bool(name) and (host == name or host.endswith(f".{name}"))
