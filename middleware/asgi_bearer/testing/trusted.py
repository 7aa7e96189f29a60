"""Makes the verifiers of the application trust one token of the audit, which has no scopes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from asgi_bearer.caller import Principal
from asgi_bearer.credentials import Presented
from asgi_bearer.jwt.verifier import JWTVerifier

_ISSUER: Final = "https://assert-guarded.invalid/"


@contextmanager
def trusted_token() -> Iterator[str]:
    """Return a random token that every `JWTVerifier` accepts until the block ends."""
    token = f"assert-guarded.{secrets.token_urlsafe(24)}"
    verify = JWTVerifier.verify

    async def verify_or_trust(self: JWTVerifier, presented: Presented) -> Principal:
        if presented.credentials == b"Bearer " + token.encode("ascii"):
            return Principal(
                issuer=_ISSUER, subject="assert-guarded", client_id="assert-guarded",
                scopes=frozenset(), expires_at=float("inf"), claims={},
            )  # fmt: skip
        return await verify(self, presented)

    JWTVerifier.verify = verify_or_trust  # type: ignore[method-assign] - restored below
    try:
        yield token
    finally:
        JWTVerifier.verify = verify  # type: ignore[method-assign]
