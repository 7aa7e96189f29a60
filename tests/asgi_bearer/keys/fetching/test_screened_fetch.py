"""Fetches over TLS from the addresses that the SSRF screen returns."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from asgi_bearer.keys.http import FetchFailed, HttpxFetch, NotServed
from asgi_bearer.keys.ssrf import Screen
from tests.support.answering_server import ok_response, sends, server_tls, serving, without_proxies

LIMIT = 2000


NAME = "issuer.test"


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """TLS of a server called `NAME` that a fetch trusts; no proxy is configured."""
    without_proxies(monkeypatch)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    return server_tls(NAME, tmp_path)


def fetch_from(*addresses: str, timeout: float = 30.0) -> HttpxFetch:
    async def screen(host: str, *, proxied: bool) -> list[str]:
        return list(addresses)

    return HttpxFetch(timeout=timeout, max_bytes=LIMIT, screen=screen)


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_fetch_connects_to_the_address_that_the_screen_returned(
    tls: ssl.SSLContext,
) -> None:
    """The name cannot be resolved, so a second look-up would fail."""
    async with serving(sends(ok_response(b"{}")), tls) as server:
        document = await fetch_from("127.0.0.1")(f"https://{NAME}:{server.port}/jwks?version=2")

    assert document.body == b"{}"
    assert server.requests[0].startswith(b"GET /jwks?version=2 HTTP/1.1\r\n")
    assert f"\r\nhost: {NAME}:{server.port}\r\n" in server.requests[0].decode().lower()
    assert server.requests[0].lower().count(b"\r\nhost:") == 1


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
async def test_a_screened_server_must_have_a_certificate_for_its_name(tls: ssl.SSLContext) -> None:
    server_names: list[str | None] = []
    tls.sni_callback = lambda connection, name, context: server_names.append(name)
    async with serving(sends(ok_response(b"{}")), tls) as server:
        await fetch_from("127.0.0.1")(f"https://{NAME}:{server.port}/jwks")
        with pytest.raises(FetchFailed, match=r"ConnectError .*CERTIFICATE_VERIFY_FAILED"):
            await fetch_from("127.0.0.1")(f"https://other.test:{server.port}/jwks")

    assert server_names == [NAME, "other.test"]
    assert len(server.requests) == 1


@pytest.mark.conforms("max-age, no-store, Age, ETag and 304 are honoured within bounds")
async def test_a_screened_fetch_with_an_etag_is_conditional(tls: ssl.SSLContext) -> None:
    async with serving(sends(b"HTTP/1.1 304 Not Modified\r\n\r\n"), tls) as server:
        document = await fetch_from("127.0.0.1")(f"https://{NAME}:{server.port}/", etag='"v1"')

    assert document.body is None


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.2", "127.0.0.1"),
        ("::1", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.1", "127.0.0.3"),
        ("127.0.0.2", "127.0.0.3", "127.0.0.1"),
        ("127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"),
    ],
    ids=" ".join,
)
async def test_the_next_address_is_tried_if_one_refuses_the_connection(
    addresses: tuple[str, ...], tls: ssl.SSLContext
) -> None:
    """The server listens on 127.0.0.1 only."""
    async with serving(sends(ok_response(b"{}")), tls) as server:
        document = await fetch_from(*addresses)(f"https://{NAME}:{server.port}/")

    assert document.body == b"{}"
    assert len(server.requests) == 1


async def test_the_next_address_is_tried_if_the_first_does_not_answer(tls: ssl.SSLContext) -> None:
    """One connection attempt gets half of the time, so that some is left for the next."""
    with socket.socket() as silent:
        async with serving(sends(ok_response(b"{}")), tls) as server:
            silent.bind(("127.0.0.2", server.port))
            silent.listen()
            fetch = fetch_from("127.0.0.2", "127.0.0.1", timeout=3.0)
            document = await fetch(f"https://{NAME}:{server.port}/")

    assert document.body == b"{}"


async def test_a_fetch_fails_if_no_address_accepts_the_connection(tls: ssl.SSLContext) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        with pytest.raises(FetchFailed, match=f"^https://{NAME}:.*/jwks: ConnectError"):
            await fetch_from("127.0.0.1", "127.0.0.1")(
                f"https://{NAME}:{taken.getsockname()[1]}/jwks"
            )


async def test_the_next_address_is_not_tried_after_an_answer(tls: ssl.SSLContext) -> None:
    busy = sends(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")
    async with serving(busy, tls) as server:
        with pytest.raises(NotServed, match="status 503"):
            await fetch_from("127.0.0.1", "127.0.0.1")(f"https://{NAME}:{server.port}/")

    assert len(server.requests) == 1


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
async def test_a_screened_fetch_uses_no_proxy(
    name: str, tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The screen returns addresses only if no proxy is used."""
    async with serving(sends(b"")) as proxy, serving(sends(ok_response(b"{}")), tls) as server:
        monkeypatch.setenv(name, proxy.address)

        await fetch_from("127.0.0.1")(f"https://{NAME}:{server.port}/")

    assert proxy.requests == []


async def test_a_fetch_without_screened_addresses_goes_through_the_proxy_by_name(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(sends(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.address)

        with pytest.raises(FetchFailed, match="ProxyError"):
            await fetch_from()(f"https://{NAME}/jwks")

    assert proxy.requests[0].startswith(f"CONNECT {NAME}:443 HTTP/1.1\r\n".encode())


async def test_the_screen_gets_the_host_only() -> None:
    hosts: list[str] = []

    async def screen(host: str, *, proxied: bool) -> list[str]:
        hosts.append(host)
        raise OSError("no such host")

    fetch = HttpxFetch(timeout=30.0, max_bytes=LIMIT, screen=screen)
    for url in ("https://Keys.Example:8443/jwks?version=2", "https://[2001:DB8::1]:8443/"):
        with pytest.raises(FetchFailed, match="OSError 'no such host'"):
            await fetch(url)

    assert hosts == ["keys.example", "2001:db8::1"]


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("10.0.0.1", "is in a private network"),
        ("169.254.169.254", "is not a public address"),
    ],
)
async def test_a_host_with_an_internal_address_is_a_failure_that_names_the_kind_of_address(
    address: str, kind: str
) -> None:

    async def resolve(host: str) -> list[str]:
        return [address]

    screen = Screen({"issuer.example"}, allow_private=False, resolve=resolve)
    with pytest.raises(FetchFailed) as failed:
        await HttpxFetch(timeout=30.0, max_bytes=LIMIT, screen=screen)(
            "https://keys.example/jwks?key=s3cret"
        )

    assert not isinstance(failed.value, NotServed)
    assert str(failed.value) == f"https://keys.example/jwks: ValueError '{address} {kind}'"


@pytest.mark.conforms("fetches are bounded in size and time")
async def test_a_slow_name_lookup_is_a_failure() -> None:

    async def screen(host: str, *, proxied: bool) -> list[str]:
        await asyncio.Event().wait()
        return []

    fetch = HttpxFetch(timeout=0.02, max_bytes=LIMIT, screen=screen)
    with pytest.raises(FetchFailed, match=r"^https://keys\.example/jwks: TimeoutError"):
        await asyncio.wait_for(fetch("https://keys.example/jwks"), 60.0)


async def test_certificates_are_loaded_once(
    tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loading them takes longer than the fetch."""
    fetch = fetch_from("127.0.0.1")
    async with serving(sends(ok_response(b"{}")), tls) as server:
        await fetch(f"https://{NAME}:{server.port}/")
        monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent/certificates.pem")
        await fetch(f"https://{NAME}:{server.port}/")

    assert len(server.requests) == 2
