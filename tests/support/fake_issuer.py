"""An issuer in memory: keys of each kind, valid and invalid tokens, and documents that can fail."""

import functools
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm, get_default_algorithms

from asgi_bearer import BearerMiddleware, JWTVerifier
from asgi_bearer.keys import Document, Fetch, NotServed, StaticKeys
from tests.support.asgi import answer_ok

ISSUER = "https://issuer.example/"
AUDIENCE = "https://api.example/contacts"

_ALGORITHMS = {**get_default_algorithms(), "Ed25519": OKPAlgorithm()}
_CURVES: dict[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}

Json = dict[str, Any]


@dataclass(frozen=True)
class SigningKey:
    """A private key, its id and the algorithm that it signs with."""

    kid: str | None
    alg: str
    private_key: Any = field(repr=False)

    @property
    def kty(self) -> str:
        """The key type."""
        return {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}[self.alg[:2]]

    def jwk(self, **changes: Any) -> Json:
        """Return the public JWK; a member changed to None is left out."""
        public = self.private_key.public_key()
        encoder: Any = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[self.kty]
        jwk: Json = encoder.to_jwk(public, as_dict=True)
        jwk.pop("key_ops", None)
        jwk |= {"kid": self.kid, "alg": self.alg, "use": "sig", **changes}
        return {name: value for name, value in jwk.items() if value is not None}

    def sign(self, signing_input: bytes, alg: str | None = None) -> bytes:
        """Return a signature by the key's algorithm, or by another one of the same key type."""
        signature: bytes = _ALGORITHMS[alg or self.alg].sign(signing_input, self.private_key)
        return signature


@functools.cache
def private_key(alg: str, number: int = 0, bits: int = 2048) -> Any:
    """Return a private key for `alg`, the same for the same arguments, because making RSA keys is
    slow."""
    if alg[:2] in ("RS", "PS"):
        return rsa.generate_private_key(public_exponent=65537, key_size=bits)
    if alg[:2] == "ES":
        return ec.generate_private_key(_CURVES[alg])
    return ed25519.Ed25519PrivateKey.generate()


def signing_key(alg: str = "RS256", kid: str | None = "k1", number: int = 0) -> SigningKey:
    """Return a key for `alg`; each `number` stands for another key."""
    return SigningKey(kid, alg, private_key("RS256" if alg[:2] in ("RS", "PS") else alg, number))


def b64(data: bytes | str | Mapping[str, Any]) -> str:
    """Return base64url without padding; a mapping is encoded as JSON first."""
    if isinstance(data, Mapping):
        data = json.dumps(data)
    if isinstance(data, str):
        data = data.encode()
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def without(members: Json, *names: str) -> Json:
    """Return `members` without those of these names."""
    return {name: value for name, value in members.items() if name not in names}


def compact(
    header: bytes | str | Mapping[str, Any],
    claims: bytes | str | Mapping[str, Any],
    key: SigningKey,
    alg: str | None = None,
) -> str:
    """Return a correctly signed token with any header and payload, valid or not."""
    signing_input = f"{b64(header)}.{b64(claims)}"
    return f"{signing_input}.{b64(key.sign(signing_input.encode(), alg))}"


class FakeClock:
    """A clock that a test sets."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        self.now += seconds


@dataclass
class FakeIssuer:
    """An authorization server that signs any claims.

    Its clock stands still, so that tokens do not expire between the collection of a test and its
    run. If another program reads the real time, use `clock=time.time` and make tokens when the test
    runs.
    """

    issuer: str = ISSUER
    audience: str = AUDIENCE
    key: SigningKey = field(default_factory=signing_key)
    clock: Callable[[], float] = field(default_factory=FakeClock)

    def claims(self, **changes: Any) -> Json:
        """Return the claims of an access token for alice; a claim changed to None is left out."""
        now = int(self.clock())
        claims: Json = {
            "iss": self.issuer,
            "sub": "alice",
            "aud": self.audience,
            "client_id": "web",
            "iat": now,
            "exp": now + 600,
            "jti": "0af1",
            "scope": "read:contacts",
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def header(self, **changes: Any) -> Json:
        """Return the header of an access token; a member changed to None is left out."""
        header: Json = {"alg": self.key.alg, "typ": "at+jwt", "kid": self.key.kid, **changes}
        return {name: value for name, value in header.items() if value is not None}

    def token(self, **changes: Any) -> str:
        """Return a valid access token, or one with changed claims."""
        return compact(self.header(), self.claims(**changes), self.key)

    def token_with_header(self, **changes: Any) -> str:
        """Return an access token with changed header members, signed by the issuer's key."""
        return compact(self.header(**changes), self.claims(), self.key)

    def untyped_token(self, changes: Json) -> str:
        """Return a JWT with the header `typ: JWT`, which many issuers write into access tokens."""
        return compact(self.header(typ="JWT"), self.claims(**changes), self.key)

    def jwks(self, *others: SigningKey) -> Json:
        """Return the key set document."""
        return {"keys": [key.jwk() for key in (self.key, *others)]}

    def verifier(self, **arguments: Any) -> JWTVerifier:
        """Return a verifier for this issuer's tokens."""
        settings: Json = {
            "issuer": self.issuer,
            "audience": self.audience,
            "keys": StaticKeys(self.jwks()),
            "clock": self.clock,
            **arguments,
        }
        return JWTVerifier(**settings)

    def guard(self, app: Any = answer_ok, **arguments: Any) -> BearerMiddleware:
        """Return the middleware in front of `app`; by default it accepts this issuer's tokens."""
        arguments.setdefault("verifier", self.verifier())
        return BearerMiddleware(app, **arguments)


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
