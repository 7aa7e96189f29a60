"""An issuer that publishes its keys and an API that fetches them, with a fake clock."""

import asyncio
import json
from typing import Any

from asgi_bearer import JWTVerifier, Presented, Principal
from asgi_bearer.keys import Document, FetchFailed, RemoteKeys, remote_keys
from asgi_bearer.testing import FakeClock, FakeIssuer, SigningKey, signing_key
from asgi_bearer.testing.signing import b64
from tests.support.documents import FakeDocuments

JWKS_URI = "https://issuer.example/jwks"

DOWN = FetchFailed("the issuer is down")


class Pausable:
    """A base class whose answers can be held back."""

    _resumed: asyncio.Event | None = None

    async def wait_while_paused(self) -> None:
        """Wait if answers are paused now, until `resume` is called."""
        if self._resumed is not None:
            await self._resumed.wait()

    def pause(self) -> None:
        """Hold back the answers to all later requests."""
        self._resumed = asyncio.Event()

    def hang(self) -> None:
        """Never answer the requests that wait now; answer later ones."""
        self._resumed = None

    def resume(self) -> None:
        """Answer the requests that wait, and later ones."""
        if self._resumed is not None:
            self._resumed.set()
        self._resumed = None


class PausableDocuments(Pausable, FakeDocuments):
    """Documents that are read at the time of the request, and returned once answers are not
    paused."""

    async def __call__(self, url: str, *, etag: str | None = None) -> Document:
        try:
            document: Document | Exception = await super().__call__(url, etag=etag)
        except Exception as err:
            document = err
        await self.wait_while_paused()
        if isinstance(document, Exception):
            raise document
        return document


class Published:
    """An issuer, its published keys, and a verifier that fetches them."""

    def __init__(self, key: SigningKey | None = None, **arguments: Any) -> None:
        self.clock = FakeClock()
        self.issuer = FakeIssuer(key=key or signing_key("ES256", "k1"), clock=self.clock)
        self.documents = PausableDocuments({})
        self.publish()
        settings: dict[str, Any] = {"random": lambda: 0.0, "clock": self.clock, **arguments}
        self.keys: RemoteKeys = remote_keys(jwks_uri=JWKS_URI, fetch=self.documents, **settings)
        self.verifier: JWTVerifier = self.issuer.verifier(keys=self.keys)

    @property
    def fetches(self) -> int:
        """The number of documents that were requested."""
        return len(self.documents.requested)

    def publish(self, *others: SigningKey, **headers: str) -> None:
        """Serve the issuer's current key and `others`, with headers such as `cache_control`."""
        body = json.dumps(self.issuer.jwks(*others)).encode()
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.serve(Document(body, fields))

    def serve(self, document: object) -> None:
        """Serve `document` as the key set; raise it if it is an exception."""
        self.documents.documents[JWKS_URI] = document

    def rotate(self, kid: str = "k2", number: int = 2) -> None:
        """Sign with a new key from now on, and publish only that key."""
        self.issuer.key = signing_key("ES256", kid, number)
        self.publish()

    async def verify(self, token: str | None = None) -> Principal:
        """Verify `token`, or a new token of the issuer."""
        return await self.verifier.verify(Presented(token or self.issuer.token()))

    async def verify_all(self, tokens: list[str]) -> list[str]:
        """Verify all `tokens` at once; return the code of each refusal, or the subject."""
        results = await asyncio.gather(
            *(self.verify(token) for token in tokens), return_exceptions=True
        )
        return [
            getattr(result, "code", repr(result))
            if isinstance(result, BaseException)
            else str(result.subject)
            for result in results
        ]

    async def verify_all_during_fetch(self, tokens: list[str]) -> list[str]:
        """Begin to verify all `tokens` while documents are paused, then resume them."""
        waiting = asyncio.create_task(self.verify_all(tokens))
        await run_pending_tasks()
        self.documents.resume()
        return await waiting

    def unknown_tokens(self, count: int, name: str = "random") -> list[str]:
        """Return `count` tokens with key ids that no issuer published; the same `name` gives the
        same ids."""
        claims = self.issuer.token().split(".", 1)[1]
        return [f"{b64(self.issuer.header(kid=f'{name}{n}'))}.{claims}" for n in range(count)]

    def forged_tokens(self, count: int = 1) -> list[str]:
        """Return tokens with the issuer's key id that were signed with another key."""
        other = FakeIssuer(
            key=signing_key("ES256", self.issuer.key.kid, number=666), clock=self.clock
        )
        return [other.token(jti=f"{n}") for n in range(count)]


async def run_pending_tasks() -> None:
    """Let each task run until it waits for something."""
    for _ in range(20):
        await asyncio.sleep(0)
