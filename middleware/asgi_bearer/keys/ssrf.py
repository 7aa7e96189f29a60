"""SSRF protection: URLs taken from issuer metadata never reach private networks."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import KW_ONLY, dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from asgi_bearer.keys.urls import is_loopback

_Address = IPv4Address | IPv6Address


def _networks(listed: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, listed.split()))


_PRIVATE: Final = _networks("10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7")
"""RFC 1918, RFC 6598, RFC 4193."""

_NAT64: Final = ip_network("64:ff9b::/96")
"""RFC 6052 §2.1: the last four bytes are an IPv4 address."""

_METADATA: Final = _networks(
    "100.100.100.200 168.63.129.16 fd00:ec2::/64 fd20:ce::254"
    " fd00:c1::a9fe:a9fe fd00:42::42 fd00:a9fe:a9fe::1 fd00:100::100:200"
)
"""Metadata services of clouds, which hand out credentials, outside the link-local addresses."""

_NOT_PUBLIC: Final = _networks("192.0.0.0/24 192.88.99.0/24 64:ff9b:1::/48 fec0::/10 3fff::/20")
"""Networks that are not public, though some releases of Python say so."""


async def _resolved(host: str) -> list[str]:
    infos = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in infos]


@dataclass(frozen=True, slots=True)
class Screen:
    """Returns the IP addresses of a host, and refuses addresses that are not public.

    The client connects to these addresses and does not resolve the name again, because a second
    answer could be another address (DNS rebinding).

    Arguments:
        trusted: hosts that the operator configured. Their addresses are not checked.
        allow_private: allow private networks; link-local and metadata addresses stay refused.
        resolve: returns the IP addresses of a host.
    """

    trusted: Collection[str]
    _: KW_ONLY
    allow_private: bool
    resolve: Callable[[str], Awaitable[list[str]]] = _resolved

    async def __call__(self, host: str, *, proxied: bool = False) -> list[str]:
        """Return the IP addresses to connect to; empty means any.

        It is empty for a trusted host, for a loopback host (`Discovery` accepts it only from an
        issuer on loopback), and if a proxy connects.

        Arguments:
            proxied: whether a proxy connects to the host.

        Raises:
            ValueError: an address is not allowed. One is enough, because the issuer could
                influence which of them is used.
            OSError: the host has no address.
        """
        if host in self.trusted or is_loopback(host):
            return []
        try:
            addresses = await self.resolve(host)
        except OSError:
            # Behind a proxy, this machine may be unable to resolve public names.
            if proxied:
                return []
            raise
        if not addresses:
            raise OSError("the host has no address")
        for address in addresses:
            if fault := ip_address_fault(address, allow_private=self.allow_private):
                raise ValueError(f"{address} {fault}")
        return [] if proxied else addresses


def ip_address_fault(address: str, *, allow_private: bool) -> str | None:
    """Return why a connection to the IP address is not allowed, or None."""
    ip = _embedded_ipv4(ip_address(address.partition("%")[0]))
    if not _within(ip, _METADATA):
        if _within(ip, _PRIVATE):
            return None if allow_private else "is in a private network"
        if ip.is_global and not (ip.is_multicast or ip.is_reserved or _within(ip, _NOT_PUBLIC)):
            return None
    return "is not a public address"


def _within(ip: _Address, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    return any(ip in network for network in networks)


def _embedded_ipv4(ip: _Address) -> _Address:
    """Return the IPv4 address inside an IPv6 address, or `ip` itself."""
    if isinstance(ip, IPv4Address):
        return ip
    if ip in _NAT64:
        return IPv4Address(ip.packed[-4:])
    return ip.ipv4_mapped or ip.sixtofour or ip
