"""One HTTP exchange with another party, bounded in time and size; no redirects, no cookies."""

import asyncio
from dataclasses import dataclass, field

import httpx

from asgi_bearer.jose import json_object
from asgi_bearer.keys import Document, FetchFailed, NotServed
from resource_api.web.bodies import bounded

SECONDS = 10.0
"""For the whole exchange; a sign-in waits for it, with a person in front of the screen."""

MAX_BYTES = 512 * 1024
"""Of an answer; a page of contacts with long notes has the most."""


class NoAnswer(Exception):
    """The other party did not answer within bounds; the message is for the operator."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other party answered; the body may hold tokens, so the `repr` does not show it."""

    status: int
    headers: httpx.Headers = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> dict[str, object]:
        """Return the JSON object in the body, an empty one where there is none."""
        try:
            return json_object(self.body)
        except ValueError:
            return {}


async def exchanged(http: httpx.AsyncClient, request: httpx.Request) -> Answer:
    """Send a request and return the answer.

    Raises:
        NoAnswer: there is none, it is too long or comes too slowly.
    """
    request.headers["Accept-Encoding"] = "identity"
    # One client serves everybody: what a server sets for one person is not sent for another.
    request.headers.pop("Cookie", None)
    try:
        async with asyncio.timeout(SECONDS):
            response = await http.send(request, auth=None, follow_redirects=False, stream=True)
            try:
                return Answer(response.status_code, response.headers, await _body(response))
            finally:
                await response.aclose()
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # OSError: time is up. ValueError: the answer is too large, or a host name breaks IDNA.
        raise NoAnswer(f"{request.url.host}: {type(error).__name__}") from None
    finally:
        # The client has no switch for its jar, and would fill it without end.
        http.cookies.clear()


async def _body(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise httpx.DecodingError("an encoding that was not asked for")
    return await bounded(response.aiter_raw(), max_bytes=MAX_BYTES)


class ClientFetch:
    """The library's `Fetch` over this application's own HTTP client."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `asgi_bearer.keys.Fetch`."""
        request = self._http.build_request("GET", url, headers={"Accept": "application/json"})
        try:
            answer = await exchanged(self._http, request)
        except NoAnswer as error:
            raise FetchFailed(str(error)) from None
        if answer.status != 200:
            raise NotServed(f"{request.url.host}: status {answer.status} instead of 200")
        return Document(answer.body, dict(answer.headers))
