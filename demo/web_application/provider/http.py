"""HTTP requests to the provider and the API: limited in time and size, no redirects or cookies."""

import asyncio
from dataclasses import dataclass, field

import httpx

from asgi_bearer.jose import json_object
from asgi_bearer.keys import Document, FetchFailed, NotServed
from resource_api.web.bodies import bounded

TIMEOUT = 10.0
"""Seconds for request and response together; a person waits for a sign-in."""

MAX_BYTES = 512 * 1024
"""The largest response body; a page of contacts with long notes is the largest in use."""


class NoAnswer(Exception):
    """The other party did not answer in time, or its answer is too long; for the operator."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The response of another party; its body may contain tokens, so the `repr` omits it."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, object]:
        """Return the JSON object in the body; an empty one if the body is something else."""
        try:
            return json_object(self.body)
        except ValueError:
            return {}


async def send(http: httpx.AsyncClient, request: httpx.Request) -> Answer:
    """Send a request and return the response.

    Raises:
        NoAnswer: the response is missing, too long or too slow.
    """
    request.headers["Accept-Encoding"] = "identity"
    # All browsers share this client: a cookie set for one person must not be sent for another.
    request.headers.pop("Cookie", None)
    try:
        async with asyncio.timeout(TIMEOUT):
            response = await http.send(request, auth=None, follow_redirects=False, stream=True)
            try:
                return Answer(response.status_code, response.headers, await _body(response))
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # OSError includes the timeout. ValueError: the response is too long, or the host name is
        # not valid IDNA.
        raise NoAnswer(f"{request.url.host}: {type(error).__name__}") from None
    finally:
        # httpx cannot switch its cookie jar off.
        http.cookies.clear()


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("the response is encoded, identity was requested")
    return await bounded(response.aiter_raw(), max_bytes=MAX_BYTES)


@dataclass(frozen=True, slots=True)
class ClientFetch:
    """The library's `Fetch` over this application's own HTTP client."""

    http: httpx.AsyncClient

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `asgi_bearer.keys.Fetch`."""
        request = self.http.build_request("GET", url, headers={"Accept": "application/json"})
        try:
            answer = await send(self.http, request)
        except NoAnswer as error:
            raise FetchFailed(str(error)) from None
        if answer.status != 200:
            raise NotServed(f"{request.url.host}: status {answer.status}, expected 200")
        return Document(answer.body, dict(answer.headers))
