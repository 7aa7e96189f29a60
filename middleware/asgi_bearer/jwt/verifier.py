"""`JWTVerifier`: verifies a JWT access token and returns its `Principal`, or raises the refusal."""

import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final, Protocol

from asgi_bearer.caller import Principal, principal_of
from asgi_bearer.credentials import Presented
from asgi_bearer.errors import (
    AccessTokenError,
    ClaimRuleFailed,
    CredentialsMalformed,
    InvalidTokenError,
    IssuerMismatch,
    KeyNotFound,
    SignatureInvalid,
)
from asgi_bearer.jose.algorithms import ALGORITHMS, rsa_default
from asgi_bearer.jose.encoding import verified_json_object
from asgi_bearer.jose.jws import Header, check_header, decoded_header, decoded_object, split
from asgi_bearer.jwt import arguments
from asgi_bearer.jwt.arguments import ClaimRule, scope_paths
from asgi_bearer.jwt.claims import (
    PROFILES,
    Expected,
    check_issuer,
    granted_scopes,
    validity,
)
from asgi_bearer.jwt.cross_jwt_confusion import ScopeClaim
from asgi_bearer.jwt.signature import signer, signing_key
from asgi_bearer.jwt.token_cache import CachedToken, TokenCache
from asgi_bearer.jwt.unverified import check_unverified_issuer
from asgi_bearer.keys.builder import remote_keys
from asgi_bearer.keys.discovery import metadata_urls
from asgi_bearer.keys.jwk import Key, KeySet
from asgi_bearer.keys.source import KeySource, Warmable

MAX_TOKEN_BYTES: Final = 16 * 1024
"""Tokens with hundreds of groups are smaller. Servers limit all headers together to 64 KiB."""

VERIFIED_TOKENS: Final = 16_384

_DECODED: Final = (IssuerMismatch, KeyNotFound, SignatureInvalid)
"""Refusals of tokens that have only characters of base64url. Forged tokens get them."""

_MAX_CACHED_HEADER_BYTES: Final = 1024
_CACHED_HEADERS: Final = 64
"""Parsed JOSE headers are cached; an issuer writes one for each of its keys. Forged tokens may push
them out of the cache; then they are parsed again."""


class Verifier(Protocol):
    """Verifies the credentials of a request."""

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal that the credentials identify.

        Read `presented.token`: it raises the refusal if the header is malformed.

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
        faults = [
            *arguments.key_faults(issuer, jwks_uri, keys, allow_http),
            *arguments.claim_faults(audience, audience_claim, scope_claims, profile),
            *arguments.algorithm_faults(algorithms),
            *arguments.limit_faults(leeway, verified_tokens, max_token_bytes),
            *arguments.function_faults(rules, clock),
        ]
        if faults:
            raise ValueError("; ".join(faults))

        self._expected = Expected(
            issuer,
            frozenset([audience] if isinstance(audience, str) else audience),
            leeway,
            audience_claim,
            scope_paths(scope_claims),
        )
        self._openid_configuration: str | None = None
        if keys is None:
            discovered = issuer if jwks_uri is None else None
            if discovered is not None:
                self._openid_configuration = metadata_urls(discovered)[-1]
            keys = remote_keys(issuer=discovered, jwks_uri=jwks_uri, allow_http=allow_http)
        self._keys = keys
        # The keys that the key source returned last. They are tried first, before a payload that a
        # stranger may have written is decoded; then the source says whether they are still current.
        self._known_keys: KeySet | None = None
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
            CredentialsMalformed: the header does not hold one b64token.
            InvalidTokenError: the token is not valid.
            NotPermittedError: the token is valid, but a rule refuses it.
            NotJudgedError: there are no keys to verify the token with.
        """
        cache = self._cache
        try:
            if cache is not None and (entry := cache.find(presented.credentials)) is not None:
                key_set = await self._keys.key_set()
                # The same as `cache.holds`, without a call. NaN from a broken clock fails the
                # comparison of times.
                if (
                    entry.epoch.key_set is key_set or cache.holds(entry, key_set)
                ) and entry.valid_from <= self._clock() < entry.valid_until:
                    return self._check_rules(entry.principal) if self._rules else entry.principal
                cache.remove(presented.credentials)
            return await self._verified(presented)
        except AccessTokenError as err:
            # Error reporters log local variables, and the frames hold parts of the token.
            refusal = err.with_traceback(None)
        if (
            isinstance(refusal, InvalidTokenError)
            and not isinstance(refusal, _DECODED)
            and not presented.is_well_formed()
        ):
            # Characters that no token has are a fault of the header, whatever else is wrong.
            refusal = CredentialsMalformed("the Bearer credentials must be one b64token")
        try:
            raise refusal
        finally:
            # Otherwise the refusal and this frame would refer to each other.
            del refusal

    async def _verified(self, presented: Presented) -> Principal:
        token = split(presented.unchecked_token(), self._header, max_bytes=self._max_token_bytes)
        known = self._known_keys
        result = None if known is None else signer(token, known, self._rsa_default)
        claims: dict[str, object] | None = None
        if result is None:
            claims = decoded_object(token.payload)
        elif isinstance(result, Key):
            claims = decoded_object(token.payload, verified_json_object)
        # Before the key source is asked: a token of another issuer must not cause a fetch.
        if claims is None:
            check_unverified_issuer(token.payload, self._expected)
        else:
            check_issuer(claims, self._expected)
        key_set = await self._keys.key_set()
        if result is None or (key_set is not known and key_set != known):
            result = signer(token, key_set, self._rsa_default)
        self._known_keys = key_set
        key, key_set = await signing_key(
            token, self._keys, (key_set, result), rsa_default=self._rsa_default
        )
        if claims is None:
            claims = decoded_object(token.payload, verified_json_object)
            check_issuer(claims, self._expected)
        for check in self._profile.checks:
            check(claims, self._expected)
        # After the keys: the token may have expired while they were fetched.
        valid_from, valid_until = validity(claims, self._expected, self._clock())
        scopes = granted_scopes(claims, self._profile, self._expected)
        principal = principal_of(claims, issuer=self._expected.issuer, scopes=scopes)
        if self._cache is not None:
            entry = CachedToken(principal, token.header, key, valid_from, valid_until)
            self._cache.add(presented.credentials, entry, key_set)
        # The principal freezes the claims, and a traceback should show neither.
        del token, claims
        return self._check_rules(principal) if self._rules else principal

    def _check_rules(self, principal: Principal) -> Principal:
        """Return `principal` if it passes all rules, which run for each request."""
        for name, rule in self._rules.items():
            # `is not True`: a rule written with `async def` returns a coroutine, which is truthy.
            if rule(principal) is not True:
                raise ClaimRuleFailed(f"rule {name}")
        return principal

    @property
    def openid_configuration(self) -> str | None:
        """URL of the issuer's OpenID Connect metadata; None if the keys are not discovered."""
        return self._openid_configuration

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
        header = decoded_header(segment)
        check_header(header, algorithms=self._algorithms, types=self._profile.types)
        return header
