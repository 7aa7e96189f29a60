"""Documents by URL for key sources and clients, instead of HTTP."""

import json
from collections.abc import Mapping

from asgi_bearer.keys import Document, Fetch, NotServed
from asgi_bearer.testing.signing import Json


def without(members: Json, *names: str) -> Json:
    """Return `members` without those of these names."""
    return {name: value for name, value in members.items() if name not in names}


class FakeDocuments(Fetch):
    """Documents by URL, instead of HTTP; `requested` lists the URLs that were requested.

    A mapping is served as JSON, bytes unchanged, a `Document` with its headers, and an exception is
    raised. A request with the `etag` of a `Document` is answered like a 304.
    """

    def __init__(self, documents: Mapping[str, object]) -> None:
        self.documents: dict[str, object] = dict(documents)
        self.requested: list[str] = []

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        self.requested.append(url)
        if url not in self.documents:
            raise NotServed(f"{url}: status 404 instead of 200")
        document = self.documents[url]
        if isinstance(document, Exception):
            raise document
        if isinstance(document, Document):
            unchanged = etag is not None and document.headers.get("etag") == etag
            return Document(None, document.headers) if unchanged else document
        return Document(document if isinstance(document, bytes) else json.dumps(document).encode())
