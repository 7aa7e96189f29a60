"""An issuer on loopback: serves its keys, and signs access tokens of realistic size."""

import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from benchmarks.tokens import AUDIENCE

SUBJECT: Final = "auth0|65f0c0ffee5eed"

_KID: Final = "Zm9yLW1lYXN1cmVtZW50cw"

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Issuer:
    """The issuer that all measured systems trust."""

    identifier: str
    jwks_uri: str
    key: rsa.RSAPrivateKey

    def claims(self, number: int = 0) -> dict[str, Any]:
        """Return the claims of a valid token; the number identifies the user."""
        now = int(time.time())
        return {
            "iss": self.identifier,
            "sub": f"{SUBJECT}{number:06}",
            "aud": [AUDIENCE, f"{self.identifier}/userinfo"],
            "iat": now,
            "exp": now + _DAY,
            "azp": "pLq8Vn2kTz5xWc7yRb4mHd9sJf3gAe6u",
            "scope": "openid profile email read:contacts write:contacts",
            "permissions": [
                "read:contacts",
                "write:contacts",
                "delete:contacts",
                "read:reports",
                "share:contacts",
            ],
        }

    def token(self, claims: dict[str, Any], key: rsa.RSAPrivateKey | None = None) -> str:
        """Return a token with these claims, signed with `key` or the issuer's key."""
        return jwt.encode(claims, key or self.key, "RS256", {"typ": "at+jwt", "kid": _KID})

    def tokens(self, number: int) -> Iterator[str]:
        """Return valid tokens, each of another user."""
        return (self.token(self.claims(user)) for user in range(number))

    def invalid_tokens(self) -> dict[str, str | None]:
        """Return by name what a guard must refuse; None stands for a request without a token."""
        claims = self.claims()
        return {
            "no token": None,
            "forged": self.token(claims, new_key()),
            "expired": self.token(claims | {"exp": claims["iat"] - _DAY}),
            "for another audience": self.token(claims | {"aud": "https://api.example/other"}),
            "of another issuer": self.token(claims | {"iss": "https://other.example"}),
            "without the scope": self.token(
                claims | {"scope": "openid profile", "permissions": []}
            ),
        }


def new_key() -> rsa.RSAPrivateKey:
    """Return an RSA key with 2048 bits."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def running_issuer() -> Generator[Issuer, None, None]:
    """Serve the metadata and the keys of a new issuer."""
    documents: dict[str, bytes] = {}

    class Documents(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(body or b"{}")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Documents) as server:
        origin = f"http://127.0.0.1:{server.server_port}"
        issuer = Issuer(origin, f"{origin}/keys", new_key())
        public = RSAAlgorithm.to_jwk(issuer.key.public_key(), as_dict=True)
        jwk = {name: public[name] for name in ("kty", "n", "e")}
        jwk |= {"kid": _KID, "alg": "RS256", "use": "sig"}
        metadata = {"issuer": issuer.identifier, "jwks_uri": issuer.jwks_uri}
        documents["/keys"] = json.dumps({"keys": [jwk]}).encode()
        for name in ("oauth-authorization-server", "openid-configuration"):
            documents[f"/.well-known/{name}"] = json.dumps(metadata).encode()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()
