"""The ASGI application of an issuer's documents, and a client that fetches from it in process."""

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
    """`Fetch` from an ASGI application, without a socket.

    Arguments:
        app: the ASGI application.
        origin: scheme, host and port of its URLs; no others are fetched.
    """

    def __init__(self, app: DocumentsApp, origin: str) -> None:
        self._app = app
        self._origin = origin

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        """See `asgi_bearer.keys.Fetch`."""
        parts = urlsplit(url)
        if f"{parts.scheme}://{parts.netloc}" != self._origin:
            raise NotServed(f"{url}: only the FakeIssuer at {self._origin} is fetched in a test")
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.5"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": parts.scheme,
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "query_string": parts.query.encode(),
            "root_path": "",
            "headers": [(b"host", parts.netloc.encode())],
            "client": None,
            "server": None,
        }
        await self._app(scope, receive, send)
        start, body = sent
        if start["status"] != 200:
            raise NotServed(f"{url}: status {start['status']} instead of 200")
        return Document(body["body"])
