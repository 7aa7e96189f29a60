"""Proxies from the environment: which requests go through them."""

import asyncio
import socket

import pytest

from asgi_bearer.keys.http import FetchFailed, HttpxFetch
from asgi_bearer.keys.proxies import ProxyInvalid, proxy_for
from asgi_bearer.keys.ssrf import Screen
from tests.support.answering_server import without_proxies

HOST = "keys.example"
PUBLIC = ["93.184.215.14"]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    without_proxies(monkeypatch)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080"),  # Without the extra httpx[socks].
        ("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        ("HTTPS_PROXY", "proxy://127.0.0.1:3128"),
        ("NO_PROXY", "localhost,::1/128"),
    ],
)
async def test_a_request_without_a_proxy_does_not_fail_because_of_an_unusable_proxy(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetch = HttpxFetch(timeout=30.0, max_bytes=2000, screen=Screen((), allow_private=False))
    try:
        assert (await fetch(f"http://127.0.0.1:{port}/")).body == b"{}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "proxy://127.0.0.1:3128"])
async def test_an_unusable_proxy_is_a_failure_that_says_so(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    fetch = HttpxFetch(timeout=30.0, max_bytes=2000, screen=Screen({HOST}, allow_private=False))

    with pytest.raises(FetchFailed, match=r"(?i)proxy"):
        await fetch(f"https://{HOST}/jwks")


@pytest.mark.conforms("keys come over https, without redirects, from configured hosts")
@pytest.mark.parametrize("resolvable", [True, False])
@pytest.mark.parametrize(
    ("port", "excepted"),
    [
        (443, "localhost,*"),
        (443, f"https://{HOST}"),
        (443, f"all://{HOST}"),
        (8443, f"{HOST}:8443"),
        (443, "example,ample"),
        (443, "eys.example"),
    ],
)
async def test_no_entry_of_no_proxy_makes_a_screened_host_be_resolved_a_second_time(
    port: int, excepted: str, resolvable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", excepted)
    resolved_again: list[str] = []

    async def resolve(host: str) -> list[str]:
        if not resolvable:
            raise OSError("unknown for now")
        return PUBLIC

    async def resolve_again(host: str | bytes, *_: object, **__: object) -> None:
        resolved_again.append(host if isinstance(host, str) else host.decode())
        raise OSError("no network in tests")

    async def connect(*_: object, **__: object) -> None:
        raise OSError("no network in tests")

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(loop, "getaddrinfo", resolve_again)
    monkeypatch.setattr(loop, "create_connection", connect)
    fetch = HttpxFetch(
        timeout=30.0, max_bytes=2000, screen=Screen((), allow_private=False, resolve=resolve)
    )

    with pytest.raises(FetchFailed):
        await fetch(f"https://{HOST}:{port}/jwks")

    assert resolved_again == []


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("name", "value", "proxy"),
    [
        ("HTTPS_PROXY", PROXY, PROXY),
        ("https_proxy", "proxy.example:3128", PROXY),
        ("ALL_PROXY", "https://proxy.example", "https://proxy.example"),
        ("all_proxy", "socks5h://proxy.example", "socks5h://proxy.example"),
        ("HTTPS_PROXY", f" {PROXY} ", PROXY),
        ("HTTPS_PROXY", "http://user:pass@proxy.example", "http://user:pass@proxy.example"),
        ("HTTPS_PROXY", "http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
        ("HTTP_PROXY", PROXY, None),
        ("HTTPS_PROXY", "", None),
        ("HTTPS_PROXY", " ", None),
    ],
)
def test_the_proxy_comes_from_the_environment(
    name: str, value: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert proxy_for(f"https://{HOST}/jwks") == proxy


@pytest.mark.parametrize(
    ("name", "proxy"), [("HTTP_PROXY", PROXY), ("ALL_PROXY", PROXY), ("HTTPS_PROXY", None)]
)
def test_an_http_url_uses_the_proxy_for_http(
    name: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, PROXY)

    assert proxy_for("http://keycloak:8080/jwks") == proxy


def test_a_proxy_for_the_scheme_takes_precedence_over_all_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://other.example")
    monkeypatch.setenv("HTTPS_PROXY", PROXY)

    assert proxy_for(f"https://{HOST}/") == PROXY


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8080", "[::1]:8080"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_loopback_hosts_use_no_proxy(
    scheme: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, PROXY)

    assert proxy_for(f"{scheme}://{host}/jwks") is None


EXCEPTED: list[tuple[str, str]] = [
    ("idp.corp", "https://idp.corp/"),
    ("idp.corp", "https://idp.corp:8443/"),
    ("idp.corp", "https://IDP.Corp/"),
    ("IDP.Corp", "https://idp.corp/"),
    ("idp.corp", "https://login.idp.corp/"),
    ("idp.corp.", "https://idp.corp/"),
    ("idp.corp", "https://idp.corp./"),
    ("idp.corp:8443", "https://idp.corp:8443/jwks"),
    ("idp.corp:443", "https://idp.corp/"),
    ("idp.corp:80", "http://idp.corp/"),
    ("corp:8443", "https://idp.corp:8443/"),
    (".corp:8443", "https://idp.corp:8443/"),
    ("corp", "https://idp.corp/"),
    (".corp", "https://idp.corp/"),
    (".idp.corp", "https://idp.corp/"),
    ("*.corp", "https://idp.corp/"),
    ("*.corp:8443", "https://idp.corp:8443/"),
    ("*", "https://idp.corp/"),
    ("localhost,*", "https://idp.corp/"),
    ("localhost, idp.corp", "https://idp.corp/"),
    ("localhost idp.corp", "https://idp.corp/"),
    ("\tlocalhost ,\n idp.corp,", "https://idp.corp/"),
    ("10.1.2.3", "https://10.1.2.3/"),
    ("10.1.2.3:8443", "https://10.1.2.3:8443/"),
    ("10.0.0.0/8", "https://10.1.2.3:8443/"),
    ("10.1.2.3/8", "https://10.9.9.9/"),
    ("2001:db8::1", "https://[2001:DB8:0::1]/"),
    ("[2001:db8::1]", "https://[2001:db8::1]:8443/"),
    ("[2001:db8::1]:8443", "https://[2001:db8:0::1]:8443/"),
    ("2001:db8::/32", "https://[2001:db8::1]/"),
]

NOT_EXCEPTED: list[tuple[str, str]] = [
    ("", "https://idp.corp/"),
    (",", "https://idp.corp/"),
    ("idp.corp:8443", "https://idp.corp/"),
    ("idp.corp:443", "https://idp.corp:8443/"),
    ("idp.corp:80", "https://idp.corp/"),
    ("idp.corp:x", "https://idp.corp/"),
    ("idp.corp:84430000", "https://idp.corp:8443/"),
    ("p.corp", "https://idp.corp/"),
    ("idp.corp", "https://corp/"),
    ("idp.corp", "https://idp.corp.evil.example/"),
    (".", "https://idp.corp/"),
    ("*:8443", "https://idp.corp/"),
    ("*.", "https://idp.corp/"),
    ("10.0.0.0/8", "https://11.1.2.3/"),
    ("10.0.0.0/8", "https://idp.corp/"),
    ("10.0.0.0/99", "https://10.1.2.3/"),
    ("10.1.2.3:8443", "https://10.1.2.3/"),
    ("2001:db8::/32", "https://[2001:db9::1]/"),
    ("10.0.0.0/8", "https://[2001:db8::1]/"),
    ("[2001:db8::1]:443", "https://[2001:db8::1]:8443/"),
    ("[idp.corp", "https://idp.corp/"),
]


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(("excepted", "url"), EXCEPTED)
def test_a_host_in_no_proxy_uses_no_proxy(
    name: str, excepted: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv(name, excepted)

    assert proxy_for(url) is None


@pytest.mark.parametrize(("excepted", "url"), NOT_EXCEPTED)
def test_a_host_outside_no_proxy_uses_the_proxy(
    excepted: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", PROXY)
    monkeypatch.setenv("NO_PROXY", excepted)

    assert proxy_for(url) == PROXY


INVALID = [
    "http://",
    "http://user:s3cret@",
    "http://user:s3cret@proxy.example:port",
    "http://user:s3cret@proxy.example:99999",
    "http://user:s3cret@proxy.example:0",
    "http://user:s3cret@[proxy.example",
    "http://user:s3 cret@proxy.example",
    "http://user:s3cret@proxy\\example",
    "ftp://user:s3cret@proxy.example",
    "://user:s3cret@proxy.example",
    "user:s3cret@proxy.example:port",
]


@pytest.mark.parametrize("value", INVALID)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
async def test_an_invalid_proxy_url_is_a_failure_that_does_not_show_its_password(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    fetch = HttpxFetch(timeout=30.0, max_bytes=2000, screen=Screen({HOST}, allow_private=False))

    with pytest.raises(ProxyInvalid, match=f"^{name} must be the URL of a proxy"):
        proxy_for(f"https://{HOST}/jwks")
    with pytest.raises(FetchFailed, match=f"{name} must be the URL of a proxy") as failed:
        await fetch(f"https://{HOST}/jwks")

    assert "cret" not in str(failed.value)
    assert "user" not in str(failed.value)


async def test_the_error_says_that_the_proxy_refused_the_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        socket.socket() as taken
    ):  # Bound but not listening, so that no other process gets the port.
        taken.bind(("127.0.0.1", 0))
        proxy = f"http://user:s3cret@127.0.0.1:{taken.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", proxy)
        fetch = HttpxFetch(timeout=30.0, max_bytes=2000, screen=Screen({HOST}, allow_private=False))

        with pytest.raises(FetchFailed, match="through the proxy of the environment") as failed:
            await fetch(f"https://{HOST}/jwks")

    assert "s3cret" not in str(failed.value)
