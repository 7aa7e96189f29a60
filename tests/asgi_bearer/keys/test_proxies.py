"""Proxies of the environment: who uses them, and that one reading of it decides."""

import asyncio

import pytest

from asgi_bearer.keys.fetch import FetchFailed, HttpxFetch
from asgi_bearer.keys.screen import Screen, proxy_for

HOST = "keys.example"
PUBLIC = ["93.184.215.14"]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080"),  # Without the extra httpx[socks].
        ("ALL_PROXY", "socks5h://127.0.0.1:1080"),
        ("HTTPS_PROXY", "proxy://127.0.0.1:3128"),
        ("NO_PROXY", "localhost,::1/128"),
    ],
)
async def test_a_fetch_that_uses_no_proxy_does_not_fail_for_one_that_cannot_be_used(
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
    fetch = HttpxFetch(timeout=5.0, max_bytes=2000, screen=Screen((), allow_private=False))
    try:
        assert (await fetch(f"http://127.0.0.1:{port}/")).body == b"{}"
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("value", ["socks5://127.0.0.1:1080", "proxy://127.0.0.1:3128"])
async def test_a_proxy_that_cannot_be_used_is_a_failure_that_says_so(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", value)
    fetch = HttpxFetch(timeout=5.0, max_bytes=2000, screen=Screen({HOST}, allow_private=False))

    with pytest.raises(FetchFailed, match=r"(?i)proxy"):
        await fetch(f"https://{HOST}/jwks")


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
async def test_no_spelling_of_no_proxy_leads_to_a_host_by_a_name_that_is_resolved_again(
    port: int, excepted: str, resolvable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 82."""
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
        timeout=5.0, max_bytes=2000, screen=Screen((), allow_private=False, resolve=resolve)
    )

    with pytest.raises(FetchFailed):
        await fetch(f"https://{HOST}:{port}/jwks")

    assert resolved_again == []


@pytest.mark.parametrize(
    ("name", "value", "proxy"),
    [
        ("HTTPS_PROXY", "http://proxy.example:3128", "http://proxy.example:3128"),
        ("https_proxy", "proxy.example:3128", "http://proxy.example:3128"),
        ("ALL_PROXY", "https://proxy.example", "https://proxy.example"),
        ("HTTP_PROXY", "http://proxy.example:3128", None),
        ("HTTPS_PROXY", "", None),
    ],
)
def test_the_proxy_is_the_one_that_the_environment_names(
    name: str, value: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    assert proxy_for(HOST) == proxy
