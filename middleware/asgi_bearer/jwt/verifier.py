"""The story of one token: what was presented -> a `Principal`, or the reason why not."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from asgi_bearer.credentials import Presented
from asgi_bearer.errors import AccessTokenError, ClaimRuleFailed
from asgi_bearer.jose.algorithms import ALGORITHMS, rsa_default
from asgi_bearer.jose.jws import Header, check_header, decoded, decoded_object, segments_of
from asgi_bearer.jwt.arguments import ClaimRule, argument_faults, scope_paths
from asgi_bearer.jwt.claims import (
    PROFILES,
    Expected,
    check_issuer,
    granted_scopes,
    validity,
)
from asgi_bearer.jwt.cross_jwt_confusion import ScopeClaim
from asgi_bearer.jwt.signature import signing_key
from asgi_bearer.jwt.token_cache import Verified, VerifiedTokens
from asgi_bearer.keys.builder import remote_keys
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.source import KeySource, Warmable
from asgi_bearer.principal import Principal, principal_of
from asgi_bearer.shortcut import beside, shortcut

MAX_TOKEN_BYTES: Final = 16 * 1024
"""Tokens with hundreds of groups stay below it; servers limit a whole header block to 64 KiB."""

VERIFIED_TOKENS: Final = 16_384

LONGEST_RECALLED: Final = 4096
"""Bytes; what is longer is mostly no token, and is looked at before a digest is made of it."""

_LONGEST_HEADER: Final = 1024
_HEADERS: Final = 64
"""Characters and number of the JOSE headers that are remembered; an issuer writes one for each of
its keys. They are read before anything is verified, so made-up ones may take the place of good
ones, which are then read anew."""


class Verifier(Protocol):
    """Whoever can tell whether what was presented is good."""

    async def verify(self, presented: Presented) -> Principal:
        """Return in whose name the request is made.

        Raises:
            AccessTokenError: the leaf that says why the request is refused.
        """
        ...


class JWTVerifier:
    """Verifies signed JWT access tokens of one issuer for one API (RFC 9068 §4).

    Arguments:
        issuer: the issuer identifier, compared byte for byte; with a final slash if the issuer
            writes one. With `keys` or `jwks_uri` it need not be a URL.
        audience: the identifier of this API, or several, any of which may be in `aud`.
        audience_claim: the claim that is compared instead of `aud`, for issuers that write none:
            Amazon Cognito names its client in `client_id`. Not with the profile `rfc9068`.
        jwks_uri: address of the issuer's keys. Without it and without `keys` it is discovered
            from the issuer's metadata.
        keys: another source of keys, instead of `jwks_uri`.
        allow_http: hosts, as `keycloak:8080`, whose addresses may be http without being loopback;
            for networks in which nobody else can answer.
        algorithms: the algorithms that are accepted. Default: all supported ones. An RSA key
            whose key set names no `alg` serves RS256, or else the one RSA algorithm that is named
            here.
        profile: `jwt` for the tokens of most issuers, `rfc9068` for strict RFC 9068 tokens.
        scope_claims: where scopes are, instead of `scope` (and `scp`): names of claims, or paths
            through objects, as in `[("realm_access", "roles")]`. What all of them name is granted.
        leeway: seconds that the issuer's clock may differ, 0 to 300.
        rules: by name, what else must be true of a verified token. A rule passes by returning
            True, nothing else; a request that fails one is answered with 403.
        verified_tokens: how many good tokens are remembered, so that one which comes again is not
            verified again; 0 for none, at most 1,000,000. What is remembered of one ends with it,
            or with its key.
        max_token_bytes: longer tokens are refused unread; at most 64 KiB.
        clock: the time in seconds since the epoch.

    Raises:
        ValueError: names every argument that is wrong or contradicts another.
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str | Collection[str],
        audience_claim: str = "aud",
        jwks_uri: str | None = None,
        keys: KeySource | None = None,
        allow_http: Collection[str] = (),
        algorithms: Collection[str] = ALGORITHMS,
        profile: str = "jwt",
        scope_claims: str | Collection[ScopeClaim] | None = None,
        leeway: float = 30.0,
        rules: Mapping[str, ClaimRule] | None = None,
        verified_tokens: int = VERIFIED_TOKENS,
        max_token_bytes: int = MAX_TOKEN_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        faults = argument_faults(
            issuer=issuer,
            audience=audience,
            audience_claim=audience_claim,
            jwks_uri=jwks_uri,
            keys=keys,
            allow_http=allow_http,
            algorithms=algorithms,
            profile=profile,
            scope_claims=scope_claims,
            leeway=leeway,
            rules=rules,
            verified_tokens=verified_tokens,
            max_token_bytes=max_token_bytes,
            clock=clock,
        )
        if faults:
            raise ValueError("; ".join(faults))

        self._expected = Expected(
            issuer,
            frozenset([audience] if isinstance(audience, str) else audience),
            leeway,
            audience_claim,
            scope_paths(scope_claims),
        )
        self._keys = (
            keys
            if keys is not None
            else remote_keys(
                issuer=issuer if jwks_uri is None else None,
                jwks_uri=jwks_uri,
                allow_http=allow_http,
            )
        )
        self._at_hand: Callable[[], KeySet | None] | None = shortcut(
            self._keys, "at_hand", "key_set"
        )
        self._algorithms = frozenset(algorithms)
        self._rsa_default = rsa_default(self._algorithms) or ""
        self._profile = PROFILES[profile]
        self._rules = dict(rules or {})
        self._headers = lru_cache(_HEADERS)(self._checked_header)
        self._verified = (
            VerifiedTokens(verified_tokens, rsa_default=self._rsa_default)
            if verified_tokens
            else None
        )
        self._max_token_bytes = max_token_bytes
        self._clock = clock

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a good token.

        Raises:
            InvalidTokenError: the token is not good.
            NotPermittedError: it is, and a rule says no.
            NotJudgedError: the keys to judge it are not to be had.
        """
        try:
            return await self._judged(presented)
        except AccessTokenError as err:
            # The frames where it was raised hold parts of the token, which an error reporter shows.
            raise err.with_traceback(None)  # noqa: B904 - it is the same

    async def _judged(self, presented: Presented) -> Principal:
        segments = segments_of(presented.token, max_bytes=self._max_token_bytes)
        header = self._header(segments.header)
        known = b""
        if self._verified is not None:
            known = sha256(presented.credentials).digest()
            if known in self._verified:
                key_set = await self._keys.key_set()
                principal = self._verified.principal(known, lambda: key_set, self._clock)
                if principal is not None:
                    return self._permitted(principal)
        token = decoded(segments, header)
        # Before the keys: a token of somebody else's issuer must not cost a fetch.
        check_issuer(token.claims, self._expected)
        at_hand = self._at_hand() if self._at_hand is not None else None
        key, key_set = await signing_key(token, self._keys, at_hand, rsa_default=self._rsa_default)
        for check in self._profile.checks:
            check(token.claims, self._expected)
        # Only now: the token may have ended while the keys were fetched.
        begins_at, ends_at = validity(token.claims, self._expected, self._clock())
        scopes = granted_scopes(token.claims, self._profile, self._expected)
        principal = principal_of(token.claims, issuer=self._expected.issuer, scopes=scopes)
        # The claims are the principal's now; a traceback would still show them to be changed.
        del token
        if self._verified is not None:
            size = len(presented.token)
            entry = Verified(principal, header, key, begins_at, ends_at, size)
            self._verified.add(known, entry, key_set)
        return self._permitted(principal) if self._rules else principal

    @beside(verify)
    def recall(self, credentials: bytes) -> Principal | None:
        """See `Recalling`. What `verify` found good is known, until it is good no longer."""
        if self._verified is None or self._at_hand is None or len(credentials) > LONGEST_RECALLED:
            return None
        known = sha256(credentials).digest()
        del credentials  # A rule may say no, and this frame stays with the refusal.
        principal = self._verified.principal(known, self._at_hand, self._clock)
        return self._permitted(principal) if principal and self._rules else principal

    def _permitted(self, principal: Principal) -> Principal:
        """Check what is asked of each request anew, however well known its token is."""
        for name, rule in self._rules.items():
            # Not truth: a rule that was written with `async def` returns a true coroutine.
            if rule(principal) is not True:
                raise ClaimRuleFailed(f"rule {name}")
        return principal

    def warm(self) -> None:
        """Begin to fetch the keys, if they are fetched; nobody waits for it (`Warmable`)."""
        if isinstance(self._keys, Warmable):
            self._keys.warm()

    async def aclose(self) -> None:
        """End a fetch that is under way; the verifier can be used again afterwards.

        Whoever waits for that fetch is answered with 503, in another application as well.
        """
        if isinstance(self._keys, Warmable):
            await self._keys.aclose()

    def _header(self, segment: bytes) -> Header:
        if len(segment) > _LONGEST_HEADER:
            return self._checked_header(segment)
        return self._headers(segment)

    def _checked_header(self, segment: bytes) -> Header:
        header = Header.of(decoded_object(segment))
        check_header(header, algorithms=self._algorithms, types=self._profile.types)
        return header
