"""One bounded HTTP GET: the only place where the HTTP client is known.

No redirects, no compression, a limit on the body and one on the whole exchange: a peer that
drips a byte a second or sends a bomb is cut off like one that is silent.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import urlsplit

from asgi_bearer.errors import IDENTIFIER_CHARACTERS, shown
from asgi_bearer.keys.proxies import proxy_for
from asgi_bearer.keys.tls import PATIENCE, ready
from asgi_bearer.keys.urls import shown_address

if TYPE_CHECKING:
    import httpx

_MAX_HOSTS: Final = 4
"""Addresses of one host that are tried, one after the other within the time."""

_ACCEPT: Final = "application/json, application/jwk-set+json"
"""Some servers answer 406 where their own type is not named; that of Kubernetes is the second."""


class FetchFailed(Exception):
    """A document could not be fetched; the message is for the operator."""


class NotServed(FetchFailed):
    """The server answered, and this address has no document that could be read."""


class Interrupted(FetchFailed):
    """An attempt failed, and the process did not run for a part of it."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a server answered.

    Arguments:
        body: of a 200 response; None if the document has not changed (304).
        headers: by names in lower case.
    """

    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Fetch(Protocol):
    """Fetches a document. Another HTTP client is another implementation of this."""

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """Return the response to GET `url`.

        Arguments:
            etag: entity tag of the document that the caller has (RFC 9110 §13.1.2).

        Raises:
            NotServed: the server answered with another status, or not within bounds.
            FetchFailed: it did not answer in time, or must not be asked.
        """
        ...


class Screens(Protocol):
    """Says where a host may be connected to; see `Screen`."""

    async def __call__(self, host: str, *, proxied: bool) -> list[str]:
        """Return the IP addresses to connect to, none if they do not matter."""
        ...


Ready = Callable[[ssl.SSLContext | None], Awaitable[ssl.SSLContext]]


class HttpxFetch:
    """`Fetch` by httpx, which is imported before a document is fetched for the first time.

    A client lives for one exchange only: fetches are minutes apart, and a client that outlives
    its event loop breaks.

    Arguments:
        timeout: seconds for the whole exchange.
        max_bytes: of the body.
        screen: returns the IP addresses at which a host may be connected to, none for any.
        ssl_context: of the operator, instead of the certificates that all sources share.
        headers: go with each request to the origin of `named`, and with no other: they may hold
            a secret that is not for whomever the metadata chooses.
        named: an address that the operator named.
        ready: returns the TLS context to fetch with, when there is a client; see `ready`.
    """

    def __init__(
        self,
        *,
        timeout: float,
        max_bytes: int,
        screen: Screens,
        ssl_context: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
        named: str = "",
        ready: Ready = ready,
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._screen = screen
        self._given = ssl_context
        self._ready = ready
        self._ssl_context: ssl.SSLContext | None = None
        self._headers = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in (headers or {}).items()
        ]
        self._origin = _origin(named)

    async def prepare(self) -> None:
        """Import the client and read the certificates, which no time limit of a fetch includes.

        Raises:
            FetchFailed: that failed, or takes longer than anybody should wait.
        """
        await self._tls()

    async def _tls(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            try:
                self._ssl_context = await self._ready(self._given)
            except TimeoutError as err:
                raise FetchFailed(f"the HTTP client is not imported after {PATIENCE:g} s") from err
            except OSError as err:
                raise FetchFailed(f"no certificates to trust: {type(err).__name__}") from err
            except ImportError as err:
                words = f"the HTTP client cannot be imported: {type(err).__name__}"
                raise FetchFailed(words) from err
        return self._ssl_context

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `Fetch`."""
        ssl_context = await self._tls()
        import httpx

        proxy: str | None = None
        try:
            async with asyncio.timeout(self._timeout):
                # One reading of the environment, which the screen shares.
                proxy = proxy_for(url)
                host = urlsplit(url).hostname or ""
                hosts = (await self._screen(host, proxied=proxy is not None))[:_MAX_HOSTS]
                connect = self._timeout / 2 / max(1, len(hosts))
                async with httpx.AsyncClient(
                    verify=ssl_context,
                    # httpx closes the socket of a TLS handshake that it timed out itself, and
                    # leaves one open that is cancelled by the timeout around it.
                    timeout=httpx.Timeout(self._timeout, connect=connect),
                    follow_redirects=False,
                    trust_env=False,
                    proxy=None if hosts else proxy,
                    headers=self._headers if _origin(url) == self._origin else None,
                ) as client:
                    return await self._exchange(client, url, etag, hosts)
        except NotServed as err:
            raise NotServed(f"{shown_address(url)}: {err}") from None
        except (httpx.HTTPError, httpx.InvalidURL, ImportError, OSError, ValueError) as err:
            # OSError: time is up. ValueError: a host name that breaks IDNA, or leads inward.
            # ImportError: a proxy of a kind that httpx needs another package for.
            # A host that answers in its own way is there: discovery goes on to the next place.
            answered = isinstance(err, httpx.ProtocolError | httpx.ReadError)
            failure = NotServed if answered else FetchFailed
            # httpx quotes a part of the proxy's address, which may be one of its password.
            words = "" if isinstance(err, httpx.InvalidURL) else f" {shown(str(err))}"
            through = " through the proxy of the environment" if proxy else ""
            raise failure(f"{shown_address(url)}: {type(err).__name__}{words}{through}") from err

    async def _exchange(
        self, client: "httpx.AsyncClient", url: str, etag: str | None, hosts: list[str]
    ) -> Document:
        import httpx

        headers = {"accept": _ACCEPT, "accept-encoding": "identity"}
        if etag is not None:
            headers["if-none-match"] = etag
        request = client.build_request("GET", url, headers=headers)
        for host in hosts[:-1]:
            with suppress(httpx.ConnectError, httpx.ConnectTimeout):
                return await self._answer(client, _addressed(request, host))
        return await self._answer(client, _addressed(request, hosts[-1]) if hosts else request)

    async def _answer(self, client: "httpx.AsyncClient", request: "httpx.Request") -> Document:
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
            to = headers.get("location") if response.is_redirect else None
            leads = f", it leads to {_led(to)}" if to is not None else ""
            raise NotServed(f"status {response.status_code} instead of 200{leads}")
        encoding = headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise NotServed(f"content-encoding {shown(encoding)} was not asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            # A flood of small chunks that are here already would not let others have a turn.
            await asyncio.sleep(0)
            body += chunk
            if len(body) > self._max_bytes:
                raise NotServed(f"more than {self._max_bytes} bytes")
        return bytes(body)


def _addressed(request: "httpx.Request", host: str) -> "httpx.Request":
    """Return `request` to the IP address `host`; what is asked for, and whom TLS proves, stay."""
    import httpx

    return httpx.Request(
        request.method,
        request.url.copy_with(host=host),
        headers=request.headers,
        extensions={**request.extensions, "sni_hostname": request.url.raw_host.decode("ascii")},
    )


def _led(location: str) -> str:
    # Long enough for a host name: somebody may have to find out whose login page it is.
    return shown(shown_address(location), characters=IDENTIFIER_CHARACTERS)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80}.get(parts.scheme, 443)
    return parts.scheme, parts.hostname or "", port
