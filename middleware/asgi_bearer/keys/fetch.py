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

from asgi_bearer.errors import shown
from asgi_bearer.keys.address import shown_address
from asgi_bearer.keys.screen import proxy_for

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


class HttpxFetch:
    """`Fetch` by httpx, which is imported when a document is fetched for the first time.

    A client lives for one exchange only: fetches are minutes apart, and a client that outlives
    its event loop breaks.

    Arguments:
        timeout: seconds for the whole exchange.
        max_bytes: of the body.
        screen: returns the IP addresses at which a host may be connected to, none for any.
    """

    def __init__(
        self, *, timeout: float, max_bytes: int, screen: Callable[[str], Awaitable[list[str]]]
    ) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._screen = screen
        self._ssl_context: ssl.SSLContext | None = None

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `Fetch`."""
        if self._ssl_context is None:
            try:
                # Importing the client and reading the certificates would stall the event loop.
                self._ssl_context = await asyncio.to_thread(_ssl_context)
            except OSError as err:
                raise FetchFailed(f"no certificates to trust: {type(err).__name__}") from err
        import httpx

        try:
            async with asyncio.timeout(self._timeout):
                host = urlsplit(url).hostname or ""
                hosts = (await self._screen(host))[:_MAX_HOSTS]
                connect = self._timeout / 2 / max(1, len(hosts))
                async with httpx.AsyncClient(
                    verify=self._ssl_context,
                    # httpx closes the socket of a TLS handshake that it timed out itself, and
                    # leaves one open that is cancelled by the timeout around it.
                    timeout=httpx.Timeout(self._timeout, connect=connect),
                    follow_redirects=False,
                    # One reading of the environment, which the screen shares.
                    trust_env=False,
                    proxy=None if hosts else proxy_for(host),
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
            raise failure(f"{shown_address(url)}: {type(err).__name__}{words}") from err

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
            leads = f", it leads to {shown(shown_address(to))}" if to is not None else ""
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


def _ssl_context() -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context()
    httpx.AsyncClient(verify=context, trust_env=False)  # The first one imports the most.
    return context
