"""The story of one token: what was presented -> a `Principal`, or the reason why not."""

import inspect
import math
import time
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from asgi_bearer.algorithms import ALGORITHMS, TABLE
from asgi_bearer.claims import PROFILES, Expected, check_issuer, granted_scopes
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES, Presented
from asgi_bearer.errors import (
    ClaimRuleFailed,
    InvalidTokenError,
    KeyNotFound,
    KeysUnavailable,
    SignatureInvalid,
    shown,
)
from asgi_bearer.jose import CompactJWS, check_header, parse
from asgi_bearer.keys.address import address_fault, issuer_fault, shown_address
from asgi_bearer.keys.build import remote_keys
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.source import KeySource, Missed, Warmable
from asgi_bearer.principal import Principal

MAX_TOKEN_BYTES: Final = 16 * 1024
"""Tokens with hundreds of groups stay below it; servers limit a whole header block to 64 KiB."""

MAX_LEEWAY: Final = 300.0
"""A clock that is five minutes wrong is a fault to mend, not to allow for."""

_MAX_NEWER_KEY_SETS: Final = 2
"""Newer key sets that one token may ask for: one that was already on its way when the issuer's
keys changed, and one that is fetched for its sake."""

ClaimRule = Callable[[Principal], bool]


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
            writes one.
        audience: the identifier of this API, or several, any of which may be in `aud`.
        jwks_uri: address of the issuer's keys. Without it and without `keys` it is discovered
            from the issuer's metadata.
        keys: another source of keys, instead of `jwks_uri`.
        algorithms: the algorithms that are accepted. Default: all supported ones.
        profile: `jwt` for the tokens of most issuers, `rfc9068` for strict RFC 9068 tokens.
        leeway: seconds that the issuer's clock may differ, 0 to 300.
        rules: by name, what else must be true of a verified token. A rule passes by returning
            True, nothing else; a request that fails one is answered with 403.
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
        jwks_uri: str | None = None,
        keys: KeySource | None = None,
        algorithms: Collection[str] = ALGORITHMS,
        profile: str = "jwt",
        leeway: float = 30.0,
        rules: Mapping[str, ClaimRule] | None = None,
        max_token_bytes: int = MAX_TOKEN_BYTES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        audiences = [audience] if isinstance(audience, str) else list(audience or ())
        faults: list[str] = []
        if fault := issuer_fault(issuer):
            faults.append(f"issuer {fault}, not {shown_address(issuer)!r}")
        if not audiences or not all(map(_is_identifier, audiences)):
            faults.append("audience must be the identifier of this API and not empty")
        if jwks_uri is not None and (fault := address_fault(jwks_uri)):
            faults.append(f"jwks_uri {fault}, not {shown_address(jwks_uri)!r}")
        if jwks_uri is not None and keys is not None:
            faults.append("jwks_uri and keys exclude each other")
        if isinstance(algorithms, str) or not algorithms or not TABLE.keys() >= set(algorithms):
            faults.append(f"algorithms must be some of {', '.join(TABLE)}, not {algorithms!r}")
        if profile not in PROFILES:
            faults.append(f"profile must be one of {', '.join(PROFILES)}, not {profile!r}")
        if not (math.isfinite(leeway) and 0 <= leeway <= MAX_LEEWAY):
            faults.append(f"leeway must be 0 to {MAX_LEEWAY:.0f} seconds, not {leeway!r}")
        if not 0 < max_token_bytes <= MAX_CREDENTIAL_BYTES:
            faults.append(f"max_token_bytes must be 1 to {MAX_CREDENTIAL_BYTES}")
        faults += [
            f"rules: {name!r} is not a plain function"
            for name, rule in (rules or {}).items()
            if not _is_function(rule)
        ]
        if faults:
            raise ValueError("; ".join(faults))

        self._issuer = issuer
        self._audiences = frozenset(audiences)
        self._keys = keys if keys is not None else remote_keys(issuer=issuer, jwks_uri=jwks_uri)
        self._algorithms = frozenset(algorithms)
        self._profile = PROFILES[profile]
        self._leeway = leeway
        self._rules = dict(rules or {})
        self._max_token_bytes = max_token_bytes
        self._clock = clock

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a good token.

        Raises:
            InvalidTokenError: the token is not good.
            NotPermittedError: it is, and a rule says no.
            NotJudgedError: the keys to judge it are not to be had.
        """
        token = parse(presented.token, max_bytes=self._max_token_bytes)
        check_header(token.header, algorithms=self._algorithms, types=self._profile.types)
        # Before the keys: a token of somebody else's issuer must not cost a fetch.
        check_issuer(token.claims, self._expected())
        await check_signature(token, self._keys)
        # The time anew: the token may have ended while the keys were fetched.
        expected = self._expected()
        for check in self._profile.checks:
            check(token.claims, expected)
        principal = self._principal(token.claims)
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

    def _expected(self) -> Expected:
        return Expected(self._issuer, self._audiences, self._clock(), self._leeway)

    def _principal(self, claims: Mapping[str, object]) -> Principal:
        client = claims.get("client_id", claims.get("azp"))
        subject, expires_at = claims.get("sub"), claims["exp"]
        return Principal(
            issuer=self._issuer,
            subject=subject if isinstance(subject, str) else None,
            client_id=client if isinstance(client, str) else None,
            scopes=granted_scopes(claims, self._profile),
            expires_at=float(expires_at) if isinstance(expires_at, int | float) else 0.0,
            claims=MappingProxyType(dict(claims)),
        )


async def check_signature(token: CompactJWS, keys: KeySource) -> None:
    """Check that one of the issuer's keys signed `token`, and ask for newer keys if none did.

    Raises:
        InvalidTokenError: none did.
        KeysUnavailable: nobody can say.
    """
    key_set = await keys.key_set()
    refusal = _signature_fault(token, key_set)
    for _ in range(_MAX_NEWER_KEY_SETS):
        if refusal is None:
            return
        try:
            newer = await keys.key_set(Missed.by_kid(key_set, token.kid))
        except KeysUnavailable:
            # The key that the token names is here and says no: that is a judgement.
            if isinstance(refusal, SignatureInvalid) and token.kid is not None:
                raise refusal from None
            raise
        if newer is key_set:
            break
        key_set = newer
        refusal = _signature_fault(token, key_set)
    if refusal is not None:
        raise refusal


def _signature_fault(token: CompactJWS, key_set: KeySet) -> InvalidTokenError | None:
    alg, kid = str(token.alg), token.kid if isinstance(token.kid, str) else None
    candidates = key_set.candidates(alg, kid)
    if any(key.verifies(alg, token.signing_input, token.signature) for key in candidates):
        return None
    refusal = SignatureInvalid if candidates else KeyNotFound
    return refusal(f"kid {shown(kid)}, alg {alg}")


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_function(value: object) -> bool:
    # What `async def` returns is never True.
    return callable(value) and not inspect.iscoroutinefunction(value)
