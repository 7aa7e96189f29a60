"""Every reason to refuse a request, as one tree of exceptions.

    AccessTokenError
    ├── CredentialsMissing               401, no error code
    ├── InvalidRequestError              400 invalid_request
    │   ├── CredentialsMalformed
    │   └── CredentialsRepeated
    ├── InvalidTokenError                401 invalid_token
    │   ├── TokenTooLarge
    │   ├── TokenMalformed
    │   │   ├── TokenOpaque
    │   │   └── TokenEncrypted
    │   ├── AlgorithmNotAllowed
    │   ├── CriticalHeaderNotUnderstood
    │   ├── TokenTypeNotAllowed
    │   ├── IssuerMismatch
    │   ├── KeyNotFound
    │   ├── KeyAmbiguous
    │   ├── SignatureInvalid
    │   ├── AudienceMismatch
    │   ├── ClaimMissing
    │   ├── ClaimMalformed
    │   ├── TokenExpired
    │   ├── TokenNotYetValid
    │   ├── IDTokenPresented
    │   ├── OtherJWTPresented
    │   └── TokenBoundToKey
    ├── NotPermittedError                403
    │   ├── InsufficientScope            insufficient_scope
    │   └── ClaimRuleFailed              insufficient_scope
    └── NotJudgedError                   503, no challenge
        ├── KeysUnavailable
        └── VerificationFaulted

A refusal has two texts. `sentence` belongs to the class and is all that the client reads. It is the
same for a bad signature, an unknown key, a wrong issuer and a wrong audience, so that an attacker
learns nothing from it. `reason` belongs to the instance and is for the operator. It may quote a
header or a claim, escaped and cut by `shown`, but never a token, a signature or a key. `code` is
stable, for logs and metrics.
"""

import reprlib
from typing import ClassVar, Final

IDENTIFIER_CHARACTERS: Final = 256
"""How much of an issuer or an audience is shown: two may differ in their last character only."""

_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = IDENTIFIER_CHARACTERS

_MAX_RETRY_AFTER: Final = 86_400.0  # seconds: one day


def shown(value: object, *, characters: int = 64) -> str:
    """Return untrusted `value` for an operator to read: ASCII, escaped, cut after `characters`."""
    if isinstance(value, str):
        text = ascii(value[: characters + 1])
    else:
        # An array may be long: only its first members are shown.
        text = _SHORT.repr(value).encode("ascii", "backslashreplace").decode("ascii")
    return text if len(text) <= characters + 2 else f"{text[:characters]}..."


class AccessTokenError(Exception):
    """A request is refused.

    Attributes:
        code: stable name of the refusal, for logs and metrics.
        status: HTTP status code of the response.
        error: error code of RFC 6750 §3.1, or None if the response has none.
        sentence: what the client reads.
        reason: what the operator reads.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 401
    error: ClassVar[str | None] = None
    sentence: ClassVar[str] = "The request is refused."

    def __init_subclass__(cls, *, code: str | None = None) -> None:
        super().__init_subclass__()
        if code is not None:
            cls.code = code

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


class CredentialsMissing(AccessTokenError, code="credentials_missing"):
    """The request has no Bearer credentials (RFC 6750 §3.1)."""

    sentence = "An access token is required."


class InvalidRequestError(AccessTokenError, code="invalid_request"):
    """The request is malformed (RFC 6750 §3.1, `invalid_request`)."""

    status = 400
    error = "invalid_request"
    sentence = "The Authorization header is malformed."


class CredentialsMalformed(InvalidRequestError, code="credentials_malformed"):
    """The Authorization header does not follow RFC 6750 §2.1."""


class CredentialsRepeated(InvalidRequestError, code="credentials_repeated"):
    """The request has more than one Authorization header, which is not a list (RFC 9110 §5.3)."""

    sentence = "The request has more than one Authorization header."


class InvalidTokenError(AccessTokenError, code="invalid_token"):
    """The access token does not verify (RFC 6750 §3.1, `invalid_token`)."""

    error = "invalid_token"
    sentence = "The access token is not valid."


class TokenTooLarge(InvalidTokenError, code="token_too_large"):
    """The token is longer than the limit. Nothing of it was decoded."""


class TokenMalformed(InvalidTokenError, code="token_malformed"):
    """The token is not a JWS in compact serialisation with JSON inside (RFC 7515 §7.1)."""


class TokenOpaque(TokenMalformed, code="token_opaque"):
    """The token is not a JWT. Only its issuer can say what it means."""


class TokenEncrypted(TokenMalformed, code="token_encrypted"):
    """The token is a JWE (RFC 7516 §3.1). Encrypted tokens are not supported."""


class AlgorithmNotAllowed(InvalidTokenError, code="algorithm_not_allowed"):
    """The `alg` header is not in the configured list (RFC 8725 §3.1)."""


class CriticalHeaderNotUnderstood(InvalidTokenError, code="critical_header_not_understood"):
    """The token has a `crit` header. No extension is supported (RFC 7515 §4.1.11)."""


class TokenTypeNotAllowed(InvalidTokenError, code="token_type_not_allowed"):
    """The profile does not accept this `typ` header (RFC 8725 §3.11, RFC 9068 §4)."""


class IssuerMismatch(InvalidTokenError, code="issuer_mismatch"):
    """The `iss` claim is not the configured issuer, byte for byte (RFC 9068 §4)."""


class KeyNotFound(InvalidTokenError, code="key_not_found"):
    """The issuer has no key with this key id for this algorithm."""


class KeyAmbiguous(InvalidTokenError, code="key_ambiguous"):
    """The token has no key id, and several keys of the issuer fit its algorithm."""


class SignatureInvalid(InvalidTokenError, code="signature_invalid"):
    """The signature was not made with the issuer's key (RFC 7515 §5.2)."""


class AudienceMismatch(InvalidTokenError, code="audience_mismatch"):
    """The `aud` claim does not name this API (RFC 9068 §4)."""


class ClaimMissing(InvalidTokenError, code="claim_missing"):
    """A claim that the profile requires is missing."""


class ClaimMalformed(InvalidTokenError, code="claim_malformed"):
    """A claim does not have the type or the format that its definition requires."""


class TokenExpired(InvalidTokenError, code="token_expired"):
    """The time is at or after `exp` (RFC 7519 §4.1.4).

    `exp` is checked after the signature, the issuer and the audience, so the client may know.
    """

    sentence = "The access token has expired."


class TokenNotYetValid(InvalidTokenError, code="token_not_yet_valid"):
    """The time is before `nbf` (RFC 7519 §4.1.5), or `iat` lies in the future."""


class IDTokenPresented(InvalidTokenError, code="id_token_presented"):
    """The client sent an ID token instead of an access token (RFC 8725 §3.12)."""


class OtherJWTPresented(InvalidTokenError, code="other_jwt_presented"):
    """The client sent another JWT of the issuer, such as a logout token (RFC 8725 §3.12)."""


class TokenBoundToKey(InvalidTokenError, code="token_bound_to_key"):
    """The token is bound to a key (`cnf`) and was sent as plain Bearer (RFC 9449 §7.2)."""


class NotPermittedError(AccessTokenError, code="not_permitted"):
    """The token is valid but does not allow this request (RFC 9110 §15.5.4)."""

    status = 403
    sentence = "The access token does not permit this request."


class InsufficientScope(NotPermittedError, code="insufficient_scope"):
    """The token does not have the required scopes (RFC 6750 §3.1, `insufficient_scope`).

    Attributes:
        scopes: every scope that the request needs, in the configured order.
    """

    error = "insufficient_scope"
    sentence = "The access token lacks a scope that this request needs."

    def __init__(self, scopes: tuple[str, ...], reason: str = "") -> None:
        self.scopes = scopes
        super().__init__(reason)


class ClaimRuleFailed(NotPermittedError, code="claim_rule_failed"):
    """The claims do not pass a rule of the application (RFC 6750 §3.1).

    The challenge names no scope, because a scope may not be what the rule needs.
    """

    error = "insufficient_scope"


class NotJudgedError(AccessTokenError, code="not_judged"):
    """The token could not be verified, so the client must not be told that it is invalid.

    Attributes:
        retry_after: seconds after which the client may try again.
    """

    status = 503
    sentence = "The access token cannot be verified at the moment."

    def __init__(self, reason: str = "", *, retry_after: float = 1.0) -> None:
        # It becomes a header field, and a custom key source may pass any number.
        self.retry_after = retry_after if 0 <= retry_after <= _MAX_RETRY_AFTER else 1.0
        super().__init__(reason)


class KeysUnavailable(NotJudgedError, code="keys_unavailable"):
    """There are no keys of the issuer to verify the token with."""


class VerificationFaulted(NotJudgedError, code="verification_faulted"):
    """The verifier or a rule raised an unexpected exception."""
