"""One bounded HTTP GET: the only place where the HTTP client is known.

No redirects, no compression, a limit on the body and one on the whole exchange: a peer that
drips a byte a second or sends a bomb is cut off like one that is silent.
"""

import asyncio
import ssl
from typing import TYPE_CHECKING, Protocol

from asgi_bearer.errors import shown
from asgi_bearer.keys.address import on_loopback, shown_address

if TYPE_CHECKING:
    import httpx


class FetchFailed(Exception):
    """A document could not be fetched; the message is for the operator."""


class NotServed(FetchFailed):
    """The server answered, and this address has no document that could be read."""


class Fetch(Protocol):
    """Fetches a document. Another HTTP client is another implementation of this."""

    async def __call__(self, url: str) -> bytes:
        """Return the body of a 200 response to GET `url`.

        Raises:
            NotServed: the server answered with another status, or not within bounds.
            FetchFailed: it did not answer in time.
        """
        ...


class HttpxFetch:
    """`Fetch` by httpx, which is imported when a document is fetched for the first time.

    A client lives for one exchange only: fetches are minutes apart, and a client that outlives
    its event loop breaks.

    Arguments:
        timeout: seconds for the whole exchange.
        max_bytes: of the body.
    """

    def __init__(self, *, timeout: float, max_bytes: int) -> None:
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._ssl_context: ssl.SSLContext | None = None

    async def __call__(self, url: str) -> bytes:
        """See `Fetch`."""
        if self._ssl_context is None:
            try:
                # Importing the client and reading the certificates would stall the event loop.
                self._ssl_context = await asyncio.to_thread(_ssl_context)
            except OSError as err:
                raise FetchFailed(f"no certificates to trust: {type(err).__name__}") from err
        import httpx

        try:
            async with (
                asyncio.timeout(self._timeout),
                httpx.AsyncClient(
                    verify=self._ssl_context,
                    # httpx closes the socket of a TLS handshake that it timed out itself, and
                    # leaves one open that is cancelled by the timeout around it.
                    timeout=httpx.Timeout(self._timeout, connect=self._timeout / 2),
                    follow_redirects=False,
                    # A proxy of the environment would carry plain http off this machine.
                    trust_env=not on_loopback(url),
                ) as client,
                client.stream(
                    "GET",
                    url,
                    headers={"accept": "application/json", "accept-encoding": "identity"},
                ) as response,
            ):
                return await self._body(response)
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as err:
            # OSError: time is up. ValueError: a host name that breaks IDNA.
            raise FetchFailed(
                f"{shown_address(url)}: {type(err).__name__} {shown(str(err))}"
            ) from err

    async def _body(self, response: "httpx.Response") -> bytes:
        url = shown_address(str(response.url))
        if response.status_code != 200:
            raise NotServed(f"{url}: status {response.status_code} instead of 200")
        encoding = response.headers.get("content-encoding", "identity")
        if encoding.lower() != "identity":
            raise NotServed(f"{url}: content-encoding {shown(encoding)} was not asked for")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > self._max_bytes:
                raise NotServed(f"{url}: more than {self._max_bytes} bytes")
        return bytes(body)


def _ssl_context() -> ssl.SSLContext:
    import httpx

    return httpx.create_ssl_context()
