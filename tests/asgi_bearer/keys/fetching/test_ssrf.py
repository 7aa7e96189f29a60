"""SSRF protection: which addresses a host from an issuer's metadata may have."""

import socket

import pytest

from asgi_bearer.keys.ssrf import Screen, ip_address_fault

HOST = "keys.example"
PUBLIC = ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"]
PRIVATE = "is in a private network"
NEVER = "is not a public address"


class Names:
    """A resolver that returns the same addresses for every name and records the names."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses
        self.resolved: list[str] = []

    async def __call__(self, host: str) -> list[str]:
        """Return the addresses; fail if there are none."""
        self.resolved.append(host)
        if not self._addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return list(self._addresses)


IN_PRIVATE_NETWORKS: list[tuple[str, str]] = [
    ("ten", "10.0.0.0"),
    ("ten-end", "10.255.255.255"),
    ("172", "172.16.0.1"),
    ("172-end", "172.31.255.255"),
    ("192-168", "192.168.0.1"),
    ("192-168-end", "192.168.255.255"),
    ("carrier-grade-nat", "100.64.0.1"),
    ("carrier-grade-nat-end", "100.127.255.255"),
    ("unique-local", "fc00::1"),
    ("unique-local-end", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("ipv4-mapped", "::ffff:10.0.0.1"),
    ("ipv4-mapped-in-hexadecimal", "::ffff:c0a8:1"),
    ("nat64", "64:ff9b::10.0.0.1"),
    ("6to4", "2002:0a00:0001::1"),
    ("scoped", "fd00::1%eth0"),
]

NEVER_PUBLIC: list[tuple[str, str]] = [
    ("loopback", "127.0.0.1"),
    ("loopback-end", "127.255.255.255"),
    ("loopback-v6", "::1"),
    ("loopback-mapped", "::ffff:127.0.0.1"),
    ("loopback-nat64", "64:ff9b::127.0.0.1"),
    ("loopback-6to4", "2002:7f00:1::"),
    ("unspecified", "0.0.0.0"),  # noqa: S104
    ("this-network", "0.1.2.3"),
    ("unspecified-v6", "::"),
    ("unspecified-mapped", "::ffff:0.0.0.0"),
    ("link-local", "169.254.0.1"),
    ("link-local-v6", "fe80::1"),
    ("link-local-end", "febf:ffff::1"),
    ("link-local-scoped", "fe80::1%eth0"),
    ("metadata", "169.254.169.254"),
    ("metadata-of-containers", "169.254.170.2"),
    ("metadata-mapped", "::ffff:169.254.169.254"),
    ("metadata-mapped-in-hexadecimal", "::ffff:a9fe:a9fe"),
    ("metadata-nat64", "64:ff9b::a9fe:a9fe"),
    ("metadata-6to4", "2002:a9fe:a9fe::"),
    ("metadata-amazon-v6", "fd00:ec2::254"),
    ("metadata-google-v6", "fd20:ce::254"),
    ("metadata-in-another-spelling", "FD00:0EC2:0:0:0:0:0:0254"),
    ("metadata-scoped", "fd00:ec2::254%eth0"),
    ("metadata-alibaba", "100.100.100.200"),
    ("metadata-alibaba-mapped", "::ffff:100.100.100.200"),
    ("metadata-alibaba-nat64", "64:ff9b::100.100.100.200"),
    ("metadata-azure", "168.63.129.16"),
    ("metadata-azure-6to4", "2002:a83f:8110::"),
    ("multicast", "224.0.0.1"),
    ("multicast-of-the-world", "233.252.0.1"),
    ("multicast-v6", "ff02::1"),
    ("multicast-of-the-world-v6", "ff0e::1"),
    ("reserved", "240.0.0.1"),
    ("broadcast", "255.255.255.255"),
    ("reserved-v6", "4000::1"),
    ("documentation-1", "192.0.2.1"),
    ("documentation-2", "198.51.100.1"),
    ("documentation-3", "203.0.113.1"),
    ("documentation-v6", "2001:db8::1"),
    ("benchmarks", "198.18.0.1"),
    ("discard-only", "100::1"),
    ("teredo", "2001::1"),
    ("local-nat64", "64:ff9b:1::10.0.0.1"),
    ("ipv4-compatible", "::10.0.0.1"),
    ("ipv4-compatible-public", "::8.8.8.8"),
    ("ipv4-translated", "::ffff:0:10.0.0.1"),
]

IN_PUBLIC: list[tuple[str, str]] = [
    ("v4", "93.184.215.14"),
    ("v6", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"),
    ("mapped", "::ffff:93.184.215.14"),
    ("nat64", "64:ff9b::93.184.215.14"),
    ("6to4", "2002:5db8:d70e::1"),
    ("after-ten", "11.0.0.0"),
    ("before-172", "172.15.255.255"),
    ("after-172", "172.32.0.0"),
    ("before-192-168", "192.167.255.255"),
    ("before-carrier-grade-nat", "100.63.255.255"),
    ("after-carrier-grade-nat", "100.128.0.0"),
    ("before-link-local", "169.253.255.255"),
    ("beside-the-azure-agent", "168.63.129.17"),
]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    "address", [row[1] for row in IN_PRIVATE_NETWORKS], ids=[row[0] for row in IN_PRIVATE_NETWORKS]
)
def test_a_private_address_is_refused_unless_allow_private_is_set(address: str) -> None:
    assert ip_address_fault(address, allow_private=False) == PRIVATE
    assert ip_address_fault(address, allow_private=True) is None


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("allow_private", [False, True], ids=["public-only", "private-too"])
@pytest.mark.parametrize(
    "address", [row[1] for row in NEVER_PUBLIC], ids=[row[0] for row in NEVER_PUBLIC]
)
def test_an_address_that_is_never_public_is_refused_even_with_allow_private(
    address: str, allow_private: bool
) -> None:
    assert ip_address_fault(address, allow_private=allow_private) == NEVER


@pytest.mark.parametrize("allow_private", [False, True], ids=["public-only", "private-too"])
@pytest.mark.parametrize(
    "address", [row[1] for row in IN_PUBLIC], ids=[row[0] for row in IN_PUBLIC]
)
def test_a_public_address_is_accepted(address: str, allow_private: bool) -> None:
    assert ip_address_fault(address, allow_private=allow_private) is None


async def test_the_screened_addresses_are_returned_in_their_order() -> None:
    names = Names(*PUBLIC)

    assert await Screen((), allow_private=False, resolve=names)(HOST) == PUBLIC
    assert names.resolved == [HOST]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_host_is_refused_if_one_of_its_addresses_is_private(place: int) -> None:
    """The client might connect to that address."""
    addresses = [*PUBLIC[:place], "10.0.0.1", *PUBLIC[place:]]

    with pytest.raises(ValueError, match=r"^10\.0\.0\.1 is in a private network$"):
        await Screen((), allow_private=False, resolve=Names(*addresses))(HOST)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_the_error_names_the_address_and_its_kind() -> None:
    screen = Screen((), allow_private=False, resolve=Names("169.254.169.254"))

    with pytest.raises(ValueError, match=r"^169\.254\.169\.254 is not a public address$"):
        await screen(HOST)


async def test_a_private_address_is_accepted_with_allow_private() -> None:
    screen = Screen((), allow_private=True, resolve=Names("10.0.0.1", "fd00::1"))

    assert await screen(HOST) == ["10.0.0.1", "fd00::1"]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_allow_private_allows_only_private_networks() -> None:
    screen = Screen((), allow_private=True, resolve=Names("10.0.0.1", "169.254.169.254"))

    with pytest.raises(ValueError, match=r"^169\.254\.169\.254 "):
        await screen(HOST)


@pytest.mark.parametrize("host", [HOST, "localhost", "127.0.0.1", "127.8.8.8", "::1"])
async def test_a_trusted_or_loopback_host_is_not_resolved(host: str) -> None:
    names = Names("10.0.0.1")

    assert await Screen({HOST}, allow_private=False, resolve=names)(host) == []
    assert names.resolved == []


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("host", [f"www.{HOST}", "example", f"{HOST}.evil.example", f"{HOST}."])
async def test_a_host_with_a_name_like_the_trusted_one_is_screened(host: str) -> None:
    screen = Screen({HOST}, allow_private=False, resolve=Names("10.0.0.1"))

    with pytest.raises(ValueError, match=PRIVATE):
        await screen(host)


async def test_a_host_that_cannot_be_resolved_is_a_failure() -> None:
    with pytest.raises(OSError, match="not known"):
        await Screen((), allow_private=False, resolve=Names())(HOST)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_host_without_addresses_is_a_failure() -> None:
    """An empty list would make the client connect by name."""

    async def resolve(host: str) -> list[str]:
        return []

    with pytest.raises(OSError, match="no address"):
        await Screen((), allow_private=False, resolve=resolve)(HOST)


async def test_a_host_behind_a_proxy_is_not_replaced_by_its_addresses() -> None:
    screen = Screen((), allow_private=False, resolve=Names(*PUBLIC))

    assert await screen(HOST, proxied=True) == []


async def test_a_host_behind_a_proxy_need_not_be_resolvable() -> None:
    assert await Screen((), allow_private=False, resolve=Names())(HOST, proxied=True) == []


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_host_behind_a_proxy_is_refused_if_it_has_a_private_address() -> None:
    with pytest.raises(ValueError, match=PRIVATE):
        await Screen((), allow_private=False, resolve=Names("10.0.0.1"))(HOST, proxied=True)


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_public_address_in_place_of_a_name_is_accepted(
    address: str,
) -> None:
    assert await Screen((), allow_private=False)(address) == [address]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    "host", ["10.0.0.1", "169.254.169.254", "2130706433", "0x7f.1", "017700000001", "fe80::1"]
)
async def test_a_private_address_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(ValueError, match="is "):
        await Screen((), allow_private=False)(host)


@pytest.mark.parametrize("allow_private", [False, True], ids=["public-only", "private-too"])
@pytest.mark.parametrize(
    "address",
    [
        pytest.param("fec0::1", id="site-local"),
        pytest.param("feff:ffff::1", id="site-local-end"),
        pytest.param("192.0.0.192", id="metadata-oracle-classic"),
        pytest.param("192.0.0.8", id="protocol-assignments"),
        pytest.param("3fff::1", id="documentation-rfc-9637"),
    ],
)
def test_addresses_that_some_python_releases_do_not_know_as_special_are_refused(
    address: str, allow_private: bool
) -> None:
    assert ip_address_fault(address, allow_private=allow_private) is not None


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("fd00:c1::a9fe:a9fe", id="oracle"),
        pytest.param("fd00:42::42", id="scaleway"),
        pytest.param("fd00:a9fe:a9fe::1", id="akamai"),
        pytest.param("fd00:100::100:200", id="alibaba"),
        pytest.param("fd00:ec2::23", id="amazon-pod-identity"),
    ],
)
def test_cloud_metadata_addresses_are_refused_even_with_allow_private(address: str) -> None:
    assert ip_address_fault(address, allow_private=True) is not None
