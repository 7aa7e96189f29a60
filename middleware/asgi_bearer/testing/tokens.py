"""`TokenIssuer`: signs access tokens and ID tokens with any claims, valid or not."""

from typing import Any, Final

from asgi_bearer.testing.clock import FakeClock
from asgi_bearer.testing.provider_claims import CLIENT, SUBJECT, Facts
from asgi_bearer.testing.shapes import SHAPES, Shape
from asgi_bearer.testing.signing import Json, SigningKey, compact

_SCOPE: Final = "read:contacts"


class TokenIssuer:
    """Signs tokens for alice, and for machines.

    Arguments:
        issuer: its identifier.
        audience: the API that its tokens are for.
        key: signs the tokens.
        clock: the time of the tokens.
        shape: whose tokens it issues unless a test asks for others.
    """

    def __init__(
        self, issuer: str, audience: str, key: SigningKey, clock: FakeClock, shape: str | Shape
    ) -> None:
        self.issuer = issuer
        self.audience = audience
        self.key = key
        self.clock = clock
        self.shape = _named(shape)

    def claims(self, shape: str | Shape | None = None, /, **changes: Any) -> Json:
        """Return the claims of an access token; a claim changed to None is left out.

        Arguments:
            shape: whose tokens it looks like, a key of `SHAPES`; by default the issuer's own.
            changes: other claims. `scope`, a string, is written as the shape writes scopes; the
                default is `read:contacts`.
        """
        chosen = self._chosen(shape)
        facts = Facts(self.issuer, self.audience, int(self.clock()))
        scope = changes.pop("scope", _SCOPE)
        written = chosen.scopes(scope) if isinstance(scope, str) else {"scope": scope}
        return _present(chosen.claims(facts) | written | changes)

    def header(self, **changes: Any) -> Json:
        """Return the header of an access token; a member changed to None is left out."""
        return _present(
            {"alg": self.key.alg, "typ": self.shape.typ, "kid": self.key.kid, **changes}
        )

    def token(self, shape: str | Shape | None = None, /, **changes: Any) -> str:
        """Return an access token; see `claims`.

        With the shape `google` it is not a JWT: Google's access tokens of persons are opaque.

        Raises:
            ValueError: claims are given for an opaque token, which has none.
        """
        chosen = self._chosen(shape)
        if chosen.opaque is not None:
            if changes:
                raise ValueError(f"an opaque token has no claims: {', '.join(changes)}")
            return chosen.opaque
        return compact(self.header(typ=chosen.typ), self.claims(chosen, **changes), self.key)

    def token_with_header(self, **changes: Any) -> str:
        """Return an access token with changed header members, signed by the issuer's key."""
        return compact(self.header(**changes), self.claims(), self.key)

    def id_token(self, shape: str | Shape | None = None, /, **changes: Any) -> str:
        """Return an ID token of alice for the client, which no API may accept."""
        facts = Facts(self.issuer, self.audience, int(self.clock()))
        claims: Json = {
            "iss": self.issuer,
            "sub": SUBJECT,
            "aud": CLIENT,
            **facts.times,
            "auth_time": facts.now,
            "nonce": "n-0S6_WzA2Mj",
            "at_hash": "77QmUPtjPfzWtF2AnpK9RQ",
            "email": "alice@example.com",
            **(self._chosen(shape).id_token or {}),
            **changes,
        }
        return compact(self.header(typ="JWT"), _present(claims), self.key)

    def _chosen(self, shape: str | Shape | None) -> Shape:
        return self.shape if shape is None else _named(shape)


def _named(shape: str | Shape) -> Shape:
    if isinstance(shape, Shape):
        return shape
    if shape not in SHAPES:
        raise ValueError(f"shape must be one of {', '.join(SHAPES)}, not {shape!r}")
    return SHAPES[shape]


def _present(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}
