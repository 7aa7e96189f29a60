"""The story of one token: what was presented -> a `Principal`, or the reason why not."""

import inspect
import math
import time
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Final, Protocol

from asgi_bearer.algorithms import ALGORITHMS, TABLE
from asgi_bearer.claims import (
    PROFILES,
    Expected,
    check_issuer,
    granted_scopes,
    validity,
)
from asgi_bearer.credentials import MAX_CREDENTIAL_BYTES, Presented
from asgi_bearer.errors import ClaimRuleFailed
from asgi_bearer.jose import Header, check_header, decoded, decoded_object, segments_of
from asgi_bearer.keys.address import address_fault, issuer_fault, shown_address
from asgi_bearer.keys.build import remote_keys
from asgi_bearer.keys.jwk import KeySet
from asgi_bearer.keys.source import KeySource, Warmable
from asgi_bearer.principal import Principal, frozen
from asgi_bearer.shortcut import shortcut
from asgi_bearer.signature import signing_key
from asgi_bearer.verified import Verified, VerifiedTokens

MAX_TOKEN_BYTES: Final = 16 * 1024
"""Tokens with hundreds of groups stay below it; servers limit a whole header block to 64 KiB."""

MAX_LEEWAY: Final = 300.0
"""A clock that is five minutes wrong is a fault to mend, not to allow for."""

VERIFIED_TOKENS: Final = 16_384
MAX_VERIFIED_TOKENS: Final = 1_000_000

LONGEST_RECALLED: Final = 4096
"""Bytes; what is longer is mostly no token, and is looked at before a digest is made of it."""

_LONGEST_HEADER: Final = 1024
_HEADERS: Final = 64
"""Characters and number of the JOSE headers that are remembered; an issuer writes one for each of
its keys. They are read before anything is verified, so made-up ones may take the place of good
ones, which are then read anew."""

ClaimRule = Callable[[Principal], bool]


class Recalling(Protocol):
    """A verifier that knows credentials again without waiting for anything.

    The guard asks it only if `recall` was written by whoever wrote `verify`, or after him.
    """

    def recall(self, credentials: bytes) -> Principal | None:
        """Return the principal that `verify` would return for these credentials, if it is known.

        Arguments:
            credentials: the whole Authorization header.

        Raises:
            NotPermittedError: they are known, and a rule says no.
        """
        ...


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
        jwks_uri: str | None = None,
        keys: KeySource | None = None,
        algorithms: Collection[str] = ALGORITHMS,
        profile: str = "jwt",
        leeway: float = 30.0,
        rules: Mapping[str, ClaimRule] | None = None,
        verified_tokens: int = VERIFIED_TOKENS,
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
        if not (_is_count(verified_tokens) and 0 <= verified_tokens <= MAX_VERIFIED_TOKENS):
            faults.append(f"verified_tokens must be 0 to {MAX_VERIFIED_TOKENS}")
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
        self._expected = Expected(issuer, frozenset(audiences), leeway)
        self._keys = keys if keys is not None else remote_keys(issuer=issuer, jwks_uri=jwks_uri)
        self._at_hand: Callable[[], KeySet | None] | None = shortcut(
            self._keys, "at_hand", "key_set"
        )
        self._algorithms = frozenset(algorithms)
        self._profile = PROFILES[profile]
        self._rules = dict(rules or {})
        self._headers = lru_cache(_HEADERS)(self._checked_header)
        self._verified = VerifiedTokens(verified_tokens) if verified_tokens else None
        self._max_token_bytes = max_token_bytes
        self._clock = clock

    async def verify(self, presented: Presented) -> Principal:
        """Return the principal of a good token.

        Raises:
            InvalidTokenError: the token is not good.
            NotPermittedError: it is, and a rule says no.
            NotJudgedError: the keys to judge it are not to be had.
        """
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
        key, key_set = await signing_key(token, self._keys, at_hand)
        for check in self._profile.checks:
            check(token.claims, self._expected)
        # Only now: the token may have ended while the keys were fetched.
        begins_at, ends_at = validity(token.claims, self._expected, self._clock())
        principal = self._principal(token.claims)
        # The claims are the principal's now; a traceback would still show them to be changed.
        del token
        if self._verified is not None:
            size = len(presented.token)
            entry = Verified(principal, header, key, begins_at, ends_at, size)
            self._verified.add(known, entry, key_set)
        return self._permitted(principal) if self._rules else principal

    def recall(self, credentials: bytes) -> Principal | None:
        """See `Recalling`. What `verify` found good is known, until it is good no longer."""
        if self._verified is None or self._at_hand is None or len(credentials) > LONGEST_RECALLED:
            return None
        known = sha256(credentials).digest()
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

    def _principal(self, claims: dict[str, object]) -> Principal:
        client = claims.get("client_id", claims.get("azp"))
        subject, expires_at = claims.get("sub"), claims["exp"]
        return Principal(
            issuer=self._issuer,
            subject=subject if isinstance(subject, str) else None,
            client_id=client if isinstance(client, str) else None,
            scopes=granted_scopes(claims, self._profile),
            expires_at=float(expires_at) if isinstance(expires_at, (int, float)) else 0.0,
            claims=frozen(claims),
        )


def _is_identifier(value: object) -> bool:
    return isinstance(value, str) and value != ""


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_function(value: object) -> bool:
    # What `async def` returns is never True.
    return callable(value) and not inspect.iscoroutinefunction(value)
