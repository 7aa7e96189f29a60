"""Keeps a fetch of an address that metadata chose out of the network of this machine."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final
from urllib.request import getproxies, proxy_bypass

from asgi_bearer.keys.address import is_loopback

_PRIVATE: Final = tuple(
    map(ip_network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"))
)
"""RFC 1918, RFC 6598, RFC 4193."""

_NAT64: Final = ip_network("64:ff9b::/96")
"""RFC 6052 §2.1: the last four bytes are an IPv4 address."""

_METADATA: Final = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where machines of clouds ask for their credentials, beside the link-local addresses."""


class Screen:
    """Says at which IP addresses a host may be connected to.

    The caller connects to what was judged: a name that is resolved a second time may have been
    given another address in between (DNS rebinding).

    Arguments:
        trusted: hosts that the operator named, which may be anywhere.
        allow_private: private networks may be reached, link-local and metadata addresses not.
        resolve: returns the IP addresses of a host.
    """

    def __init__(
        self,
        trusted: Collection[str],
        *,
        allow_private: bool,
        resolve: Callable[[str], Awaitable[list[str]]] | None = None,
    ) -> None:
        self._trusted = frozenset(trusted)
        self._allow_private = allow_private
        self._resolve = resolve or _resolved

    async def __call__(self, host: str) -> list[str]:
        """Return the addresses to connect to, none if they do not matter.

        They do not for a trusted host, for a loopback one (`Discovery` takes it from an issuer on
        loopback alone), and where a proxy of the environment connects.

        Raises:
            ValueError: one of the addresses leads inward; which of them a connection would take
                is not for the issuer to choose.
            OSError: the host has no address.
        """
        if host in self._trusted or is_loopback(host):
            return []
        proxied = _proxied(host)
        try:
            addresses = await self._resolve(host)
        except OSError:
            # Behind a proxy, names of the world outside may mean nothing here.
            if proxied:
                return []
            raise
        for address in addresses:
            if fault := inward_fault(address, allow_private=self._allow_private):
                raise ValueError(f"{address} {fault}")
        return [] if proxied else addresses


def inward_fault(address: str, *, allow_private: bool) -> str | None:
    """Return why a connection to the IP address would lead inward, or None."""
    ip = _meant(ip_address(address.partition("%")[0]))
    if ip not in _METADATA:
        if any(ip in network for network in _PRIVATE):
            return None if allow_private else "is in a private network"
        if ip.is_global and not (ip.is_multicast or ip.is_reserved):
            return None
    return "is no address of a public host"


def _meant(ip: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """Return the IPv4 address that an IPv6 address stands for, or `ip` itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip


def _proxied(host: str) -> bool:
    proxies = getproxies()
    return ("https" in proxies or "all" in proxies) and not proxy_bypass(host)


async def _resolved(host: str) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
