"""`JWTVerifier`: verifies a JWT access token and returns its `Principal`, or raises the refusal."""

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
from asgi_bearer.jwt.claims import PROFILES, Expected, check_issuer, granted_scopes, validity
from asgi_bearer.jwt.cross_jwt_confusion import ScopeClaim
from asgi_bearer.jwt.signature import signing_key
from asgi_bearer.jwt.token_cache import CachedToken, TokenCache
from asgi_bearer.keys.builder import remote_keys
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.source import KeySource, Warmable
from asgi_bearer.principal import Principal, principal_of
from asgi_bearer.shortcut import beside, shortcut

MAX_TOKEN_BYTES: Final = 16 * 1024
"""Tokens with hundreds of groups are smaller. Servers limit all headers together to 64 KiB."""

VERIFIED_TOKENS: Final = 16_384

MAX_RECALLED_BYTES: Final = 4096
"""Longer credentials are usually not tokens, so they are parsed before a digest is computed."""

_MAX_CACHED_HEADER_BYTES: Final = 1024
_CACHED_HEADERS: Final = 64
"""Parsed JOSE headers are cached; an issuer writes one for each of its keys. Forged tokens may push
them out of the cache; then they are parsed again."""


class Verifier(Protocol):
    """Verifies the credentials of a request."""

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal that the credentials identify.

        Raises:
            AccessTokenError: the request is refused; the class says why.
        """
        ...


class JWTVerifier:
    """Verifies signed JWT access tokens of one issuer for one API (RFC 9068 §4).

    Arguments:
        issuer: the issuer identifier, compared byte for byte; with a final slash if the issuer
            writes one. With `keys` or `jwks_uri` it need not be a URL.
        audience: the identifier of this API, or several; `aud` must name one of them.
        audience_claim: the claim that is compared instead of `aud`. Amazon Cognito writes no
            `aud`, but `client_id`. Not with the profile `rfc9068`.
        jwks_uri: URL of the issuer's key set. Without it and without `keys`, the URL is
            discovered from the issuer's metadata.
        keys: another key source, instead of `jwks_uri`.
        allow_http: hosts, such as `keycloak:8080`, whose URLs may be http without being loopback.
            Only for networks in which no attacker can answer for them.
        algorithms: the accepted algorithms; by default all that are supported. An RSA key without
            `alg` is used for RS256, or else for the one RSA algorithm that is listed here.
        profile: `jwt` for the tokens of most issuers, `rfc9068` for strict RFC 9068 tokens.
        scope_claims: the claims that hold scopes, instead of `scope` (and `scp`): names of claims,
            or paths through objects, as in `[("realm_access", "roles")]`. The scopes in all of
            them are granted.
        leeway: seconds by which the issuer's clock may differ, 0 to 300.
        rules: named functions that a verified token must also pass. A rule passes only if it
            returns True; a request that fails a rule is answered with 403.
        verified_tokens: how many verified tokens are cached, so that the same token is not
            verified twice; 0 for none, at most 1,000,000. An entry is valid until the token
            expires or its key is withdrawn.
        max_token_bytes: longer tokens are refused before they are parsed; at most 64 KiB.
        clock: returns the time in seconds since the epoch.

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
        self._cached_header = lru_cache(_CACHED_HEADERS)(self._checked_header)
        self._cache = (
            TokenCache(verified_tokens, rsa_default=self._rsa_default) if verified_tokens else None
        )
        self._max_token_bytes = max_token_bytes
        self._clock = clock

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a valid token.

        Raises:
            InvalidTokenError: the token is not valid.
            NotPermittedError: the token is valid, but a rule refuses it.
            NotJudgedError: there are no keys to verify the token with.
        """
        try:
            return await self._principal(presented)
        except AccessTokenError as err:
            # Error reporters log local variables, and the frames hold parts of the token.
            raise err.with_traceback(None)  # noqa: B904 - it is the same

    async def _principal(self, presented: Presented) -> Principal:
        segments = segments_of(presented.token, max_bytes=self._max_token_bytes)
        header = self._header(segments.header)
        digest = b""
        if self._cache is not None:
            digest = sha256(presented.credentials).digest()
            if digest in self._cache:
                key_set = await self._keys.key_set()
                principal = self._cache.principal(digest, lambda: key_set, self._clock)
                if principal is not None:
                    return self._check_rules(principal)
        token = decoded(segments, header)
        # Before the keys: a token of another issuer must not cause a fetch.
        check_issuer(token.claims, self._expected)
        at_hand = self._at_hand() if self._at_hand is not None else None
        key, key_set = await signing_key(token, self._keys, at_hand, rsa_default=self._rsa_default)
        for check in self._profile.checks:
            check(token.claims, self._expected)
        # After the keys: the token may have expired while they were fetched.
        valid_from, valid_until = validity(token.claims, self._expected, self._clock())
        scopes = granted_scopes(token.claims, self._profile, self._expected)
        principal = principal_of(token.claims, issuer=self._expected.issuer, scopes=scopes)
        # The principal has frozen the claims, and a traceback should not show them.
        del token
        if self._cache is not None:
            size = len(presented.token)
            entry = CachedToken(principal, header, key, valid_from, valid_until, size)
            self._cache.add(digest, entry, key_set)
        return self._check_rules(principal) if self._rules else principal

    @beside(verify)
    def recall(self, credentials: bytes) -> Principal | None:
        """See `Recalling`. Return the cached principal of a token that `verify` accepted."""
        if self._cache is None or self._at_hand is None or len(credentials) > MAX_RECALLED_BYTES:
            return None
        digest = sha256(credentials).digest()
        del credentials  # A rule may raise a refusal, whose traceback holds this frame.
        principal = self._cache.principal(digest, self._at_hand, self._clock)
        return self._check_rules(principal) if principal and self._rules else principal

    def _check_rules(self, principal: Principal) -> Principal:
        """Return `principal` if it passes all rules, which run for each request."""
        for name, rule in self._rules.items():
            # `is not True`: a rule written with `async def` returns a coroutine, which is truthy.
            if rule(principal) is not True:
                raise ClaimRuleFailed(f"rule {name}")
        return principal

    def warm(self) -> None:
        """Start to fetch the keys in the background, if the key source fetches (`Warmable`)."""
        if isinstance(self._keys, Warmable):
            self._keys.warm()

    async def aclose(self) -> None:
        """Cancel a running fetch of keys. The verifier can be used again afterwards.

        Requests that wait for that fetch are answered with 503, in other applications too.
        """
        if isinstance(self._keys, Warmable):
            await self._keys.aclose()

    def _header(self, segment: bytes) -> Header:
        if len(segment) > _MAX_CACHED_HEADER_BYTES:
            return self._checked_header(segment)
        return self._cached_header(segment)

    def _checked_header(self, segment: bytes) -> Header:
        header = Header.of(decoded_object(segment))
        check_header(header, algorithms=self._algorithms, types=self._profile.types)
        return header
