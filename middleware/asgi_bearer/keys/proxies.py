"""Finds the proxy for a URL in the environment.

The variables are `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`, in capitals or not. `NO_PROXY` lists
the hosts without a proxy, separated by commas or spaces:

    idp.corp, .corp, *.corp     the host and its subdomains
    idp.corp:8443, [::1]:8443   the same, on this port only
    10.0.0.0/8, 2001:db8::/32   IP addresses, if the URL has one instead of a name
    *                           all hosts
"""

import re
from contextlib import suppress
from ipaddress import ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from asgi_bearer.keys.urls import is_loopback, origin

_SCHEMES: Final = frozenset({"http", "https", "socks5", "socks5h"})

_ENTRY: Final = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]{1,5}))?")


class ProxyInvalid(ValueError):
    """The proxy in the environment cannot be used. The message does not quote it."""


def proxy_for(url: str) -> str | None:
    """Return the URL of the proxy for the checked `url`, or None.

    Raises:
        ProxyInvalid: the environment variable does not hold the URL of a proxy.
    """
    scheme, host, port = origin(url)
    host = host.rstrip(".")
    if is_loopback(host):
        return None
    proxies = getproxies()
    no_proxy = re.split(r"[,\s]+", proxies.get("no", ""))
    # Some systems have a setting for hosts without a proxy.
    if any(_matches(entry, host, port) for entry in no_proxy) or proxy_bypass(host):
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
        raise ProxyInvalid(
            f"{name.upper()}_PROXY must be the URL of a proxy, as in http://host:port"
        )
    return address


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    with suppress(ValueError):  # the host or the entry is not an IP address
        return ip_address(host) in ip_network(entry, strict=False)
    match = _ENTRY.fullmatch(entry)
    if match is None or (match["port"] and int(match["port"]) != port):
        return False
    name = match["v6"] or match["name"].removeprefix("*").strip(".").lower()
    with suppress(ValueError):
        return ip_address(host) == ip_address(name)
    return bool(name) and (host == name or host.endswith(f".{name}"))
