"""Fetches a document with one bounded HTTP GET. Only this module and `tls` use httpx.

Redirects and compression are refused. Limits on the body and on the whole exchange stop a server
that sends one byte per second, or an endless body.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from asgi_bearer.errors import IDENTIFIER_CHARACTERS, shown
from asgi_bearer.keys.proxies import proxy_for
from asgi_bearer.keys.tls import PREPARATION_TIMEOUT, prepared_tls_context
from asgi_bearer.keys.urls import origin, shown_address

if TYPE_CHECKING:
    import httpx

_MAX_IP_ADDRESSES: Final = 4
"""IP addresses of one host that are tried, one after the other, within the timeout."""

_ACCEPT: Final = "application/json, application/jwk-set+json"
"""Some servers answer 406 unless their own type is listed. Kubernetes sends the second one."""


class FetchFailed(Exception):
    """A document could not be fetched; the message is for the operator."""


class NotServed(FetchFailed):
    """The server answered, but not with a document that can be used."""


class Interrupted(FetchFailed):
    """A fetch failed, and the process was suspended during it."""


@dataclass(frozen=True, slots=True)
class Document:
    """The response of a server.

    Arguments:
        body: the body of a 200 response; None if the document has not changed (304).
        headers: the headers; their names are in lower case.
    """

    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Fetch(Protocol):
    """Fetches a document. Implement it to use another HTTP client."""

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """Return the response to GET `url`.

        Arguments:
            etag: entity tag of the cached document (RFC 9110 §13.1.2).

        Raises:
            NotServed: the server answered with another status, or its body is too large.
            FetchFailed: the server did not answer in time, or its address is not allowed.
        """
        ...


class Screens(Protocol):
    """Returns the allowed IP addresses of a host; see `Screen`."""

    async def __call__(self, host: str, *, proxied: bool) -> list[str]:
        """Return the IP addresses to connect to; empty means any."""
        ...


LoadTLSContext = Callable[[ssl.SSLContext | None], Awaitable[ssl.SSLContext]]


class HttpxFetch:
    """`Fetch` with httpx, which is imported before the first fetch.

    Each fetch uses a new client: fetches are minutes apart, and a client must not outlive its event
    loop.

    Arguments:
        timeout: seconds for the whole exchange.
        max_bytes: the largest body.
        screen: returns the allowed IP addresses of a host; empty means any.
        ssl_context: the operator's TLS context, instead of the shared default one.
        headers: sent only to the origin of `configured_url`, because they may hold a secret, and
            the metadata may name another host.
        configured_url: the URL that the operator configured.
        load_tls_context: imports httpx and returns the TLS context.
    """

    def __init__(
        self,
        *,
        timeout: float,
        max_bytes: int,
        screen: Screens,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        configured_url: str = "",
        load_tls_context: LoadTLSContext = prepared_tls_context,
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._screen = screen
        self._operators_context = ssl_context
        self._load_tls_context = load_tls_context
        self._ssl_context: ssl.SSLContext | None = None
        self._headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ]
        self._origin = origin(configured_url)

    async def prepare(self) -> ssl.SSLContext:
        """Import httpx and return the TLS context. The timeout of a fetch does not include it.

        Raises:
            FetchFailed: it failed, or takes longer than `PREPARATION_TIMEOUT`.
        """
        if self._ssl_context is not None:
            return self._ssl_context
        try:
            self._ssl_context = await self._load_tls_context(self._operators_context)
        except TimeoutError as err:
            raise FetchFailed(
                f"importing the HTTP client takes longer than {PREPARATION_TIMEOUT:g} s"
            ) from err
        except OSError as err:
            raise FetchFailed(f"the certificates cannot be loaded: {type(err).__name__}") from err
        except ImportError as err:
            raise FetchFailed(f"the HTTP client cannot be imported: {type(err).__name__}") from err
        return self._ssl_context

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `Fetch`."""
        ssl_context = await self.prepare()
        import httpx

        proxy: str | None = None
        try:
            async with asyncio.timeout(self._timeout):
                # The environment is read once, for the client and for the address check.
                proxy = proxy_for(url)
                _, host, _ = origin(url)
                ip_addresses = await self._screen(host, proxied=proxy is not None)
                ip_addresses = ip_addresses[:_MAX_IP_ADDRESSES]
                connect = self._timeout / 2 / max(1, len(ip_addresses))
                async with httpx.AsyncClient(
                    verify=ssl_context,
                    # httpx closes the socket after its own timeout in a TLS handshake, but leaves
                    # it open if asyncio.timeout cancels the handshake.
                    timeout=httpx.Timeout(self._timeout, connect=connect),
                    follow_redirects=False,
                    trust_env=False,
                    proxy=None if ip_addresses else proxy,
                    headers=self._headers if origin(url) == self._origin else None,
                ) as client:
                    return await self._exchange(client, url, etag, ip_addresses)
        except NotServed as err:
            raise NotServed(f"{shown_address(url)}: {err}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as err:
            # OSError: timeout. ValueError: an invalid host name, or an address that is not allowed.
            # ImportError: a proxy scheme for which httpx needs another package.
            # After a broken response, discovery tries the next URL of the host.
            answered = isinstance(err, httpx.ProtocolError | httpx.ReadError)
            failure = NotServed if answered else FetchFailed
            # httpx quotes a part of the proxy URL, which may hold a password.
            reason = "" if isinstance(err, httpx.InvalidURL) else f" {shown(str(err))}"
            through = " through the proxy of the environment" if proxy else ""
            raise failure(f"{shown_address(url)}: {type(err).__name__}{reason}{through}") from err

    async def _exchange(
        self, client: "httpx.AsyncClient", url: str, etag: str | None, ip_addresses: list[str]
    ) -> Document:
        import httpx

        headers = {"accept": _ACCEPT, "accept-encoding": "identity"}
        if etag is not None:
            headers["if-none-match"] = etag
        request = client.build_request("GET", url, headers=headers)
        requests = [_to_ip_address(request, address) for address in ip_addresses] or [request]
        for attempt in requests[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._send(client, attempt)
        return await self._send(client, requests[-1])

    async def _send(self, client: "httpx.AsyncClient", request: "httpx.Request") -> Document:
        response = await client.send(request, stream=True)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            if response.status_code == 304 and "if-none-match" in request.headers:
                return Document(None, headers)
            return Document(await self._body(response, headers), headers)
        finally:
            await response.aclose()

    async def _body(self, response: "httpx.Response", headers: Mapping[str, str]) -> bytes:
        if response.status_code != 200:
            location = headers.get("location") if response.is_redirect else None
            # Long enough for a host name, which tells the operator whose login page it is.
            target = shown(shown_address(location), characters=IDENTIFIER_CHARACTERS)
            redirect = f", a redirect to {target}" if location is not None else ""
            raise NotServed(f"status {response.status_code} instead of 200{redirect}")
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise NotServed(f"content-encoding {shown(encoding)} was not requested")
        body = bytearray()
        async for chunk in response.aiter_raw():
            # Many small chunks that have already arrived would block the event loop.
            await asyncio.sleep(0)
            body += chunk
            if len(body) > self._max_bytes:
                raise NotServed(f"the body has more than {self._max_bytes} bytes")
        return bytes(body)


def _to_ip_address(request: "httpx.Request", ip_address: str) -> "httpx.Request":
    """Return `request` to an IP address. The Host header and the name for TLS stay."""
    import httpx

    return httpx.Request(
        request.method,
        request.url.copy_with(host=ip_address),
        headers=request.headers,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )
