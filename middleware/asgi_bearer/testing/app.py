"""The ASGI application of an issuer's documents, and a client that fetches them in process."""

from typing import Any
from urllib.parse import urlsplit

from asgi_bearer.keys import Document, NotServed
from asgi_bearer.testing.documents import Documents


class DocumentsApp:
    """Answers GET with the documents of an issuer, and 405 to other methods."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """See the ASGI specification; the scopes are lifespan and http."""
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        if scope["method"] == "GET":
            status, body, media_type = await self._documents.answer(scope["path"])
        else:
            status, body, media_type = 405, b"", "text/plain"
        headers = [
            (b"content-type", media_type.encode("ascii")),
            (b"content-length", str(len(body)).encode("ascii")),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class InProcess:
    """`Fetch` the documents of an issuer, without a socket.

    Arguments:
        documents: the issuer.
        origin: scheme, host and port of its URLs; no others are fetched.
    """

    def __init__(self, documents: Documents, origin: str) -> None:
        self._documents = documents
        self._origin = origin

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `asgi_bearer.keys.Fetch`."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            raise NotServed(f"{url}: only the FakeIssuer at {self._origin} is fetched in a test")
        status, body, _ = await self._documents.answer(parts.path)
        if status != 200:
            raise NotServed(f"{url}: status {status} instead of 200")
        return Document(body)
