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

Two texts are kept apart. `sentence` belongs to the class and is all that the caller of the API
ever reads; it says the same for a bad signature, an unknown key, a wrong issuer and a wrong
audience, so that nobody can probe. `reason` belongs to the instance and is for the operator; it
may quote a header or a claim, escaped and cut by `shown`, and never holds a token, a signature or
a key. `code` is stable, for logs and metrics.
"""

from typing import ClassVar, Final
from urllib.parse import quote

_SHOWN_CHARACTERS = 64
"""As much of a value from a token as a log line shows: a long identifier, not a novel."""


IDENTIFIER_CHARACTERS: Final = 256
"""Of an issuer or an audience: enough to see where two differ, be it in the last character."""

_SHOWN_PATH_CHARACTERS = 256
"""As much of a path as a log line shows."""

_SHOWN_OF_LONGER = 8
"""Characters that are shown of a longer segment of a path: enough to recognise it, too few to use a
token."""

_MAX_RETRY_AFTER = 86_400.0
"""A day, in seconds."""


def shown(value: object, *, characters: int = _SHOWN_CHARACTERS) -> str:
    """Return untrusted `value` for an operator to read: ASCII, escaped, cut after `characters`."""
    text = ascii(value if not isinstance(value, str) else value[: characters + 1])
    return text if len(text) <= characters + 2 else f"{text[:characters]}..."


def shown_path(path: str) -> str:
    """Return the path of a request for an operator to read: escaped, because it can hold line
    breaks, and cut, because it can hold a token."""
    segments = (
        quote(part, errors="replace")
        if len(part) <= _SHOWN_CHARACTERS
        else quote(part[:_SHOWN_OF_LONGER], errors="replace") + "..."
        for part in path.split("/", _SHOWN_PATH_CHARACTERS)
    )
    text = "/".join(segments)
    return text if len(text) <= _SHOWN_PATH_CHARACTERS else text[:_SHOWN_PATH_CHARACTERS] + "..."


class AccessTokenError(Exception):
    """A request is refused.

    Attributes:
        code: stable name of the refusal.
        status: HTTP status code that it is answered with.
        error: error code of RFC 6750 §3.1, or None where that section wants none.
        sentence: what the caller of the API reads.
        reason: what the operator reads.
    """

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 401
    error: ClassVar[str | None] = None
    sentence: ClassVar[str] = "The request is refused."

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(reason)

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}" if self.reason else self.code


class CredentialsMissing(AccessTokenError):
    """The request has no credentials of a scheme that is understood here (RFC 6750 §3.1)."""

    code = "credentials_missing"
    sentence = "An access token is required."


class InvalidRequestError(AccessTokenError):
    """The request is malformed (RFC 6750 §3.1, `invalid_request`)."""

    code = "invalid_request"
    status = 400
    error = "invalid_request"
    sentence = "The Authorization header is malformed."


class CredentialsMalformed(InvalidRequestError):
    """The Authorization header does not follow RFC 6750 §2.1."""

    code = "credentials_malformed"


class CredentialsRepeated(InvalidRequestError):
    """There is more than one Authorization header, and it is no list field (RFC 9110 §5.3)."""

    code = "credentials_repeated"
    sentence = "The request has more than one Authorization header."


class InvalidTokenError(AccessTokenError):
    """The access token does not verify (RFC 6750 §3.1, `invalid_token`)."""

    code = "invalid_token"
    error = "invalid_token"
    sentence = "The access token is not valid."


class TokenTooLarge(InvalidTokenError):
    """The token is longer than the limit; nothing of it was read."""

    code = "token_too_large"


class TokenMalformed(InvalidTokenError):
    """The token is not a JWS in compact serialisation with JSON inside (RFC 7515 §7.1)."""

    code = "token_malformed"


class TokenOpaque(TokenMalformed):
    """The token has no dots: it is no JWT, and only its issuer can say what it means."""

    code = "token_opaque"


class TokenEncrypted(TokenMalformed):
    """The token is a JWE (RFC 7516 §3.1); encrypted tokens are not read here."""

    code = "token_encrypted"


class AlgorithmNotAllowed(InvalidTokenError):
    """The `alg` header is not in the configured list (RFC 8725 §3.1)."""

    code = "algorithm_not_allowed"


class CriticalHeaderNotUnderstood(InvalidTokenError):
    """The token has a `crit` header; no extension is understood here (RFC 7515 §4.1.11)."""

    code = "critical_header_not_understood"


class TokenTypeNotAllowed(InvalidTokenError):
    """The `typ` header is not one that the profile takes (RFC 8725 §3.11, RFC 9068 §4)."""

    code = "token_type_not_allowed"


class IssuerMismatch(InvalidTokenError):
    """The `iss` claim is not the configured issuer, byte for byte (RFC 9068 §4)."""

    code = "issuer_mismatch"


class KeyNotFound(InvalidTokenError):
    """The issuer has no key with this key id that can serve this algorithm."""

    code = "key_not_found"


class KeyAmbiguous(InvalidTokenError):
    """The token names no key, and more than one key could have signed it."""

    code = "key_ambiguous"


class SignatureInvalid(InvalidTokenError):
    """The signature was not made by the issuer's key (RFC 7515 §5.2)."""

    code = "signature_invalid"


class AudienceMismatch(InvalidTokenError):
    """The `aud` claim does not hold the identifier of this API (RFC 9068 §4)."""

    code = "audience_mismatch"


class ClaimMissing(InvalidTokenError):
    """A claim that the profile requires is not there."""

    code = "claim_missing"


class ClaimMalformed(InvalidTokenError):
    """A claim is there and is not of the kind that its definition asks for."""

    code = "claim_malformed"


class TokenExpired(InvalidTokenError):
    """The time is at or after `exp` (RFC 7519 §4.1.4).

    Judged only after the signature, the issuer and the audience, so the caller may be told.
    """

    code = "token_expired"
    sentence = "The access token has expired."


class TokenNotYetValid(InvalidTokenError):
    """The time is before `nbf` (RFC 7519 §4.1.5), or `iat` lies in the future."""

    code = "token_not_yet_valid"


class IDTokenPresented(InvalidTokenError):
    """An ID token was sent where an access token belongs (RFC 8725 §3.12)."""

    code = "id_token_presented"


class OtherJWTPresented(InvalidTokenError):
    """A JWT that the issuer signed for another purpose was sent (RFC 8725 §3.12).

    A logout token or another security event, a refresh token, an authorization response.
    """

    code = "other_jwt_presented"


class TokenBoundToKey(InvalidTokenError):
    """The token is bound to a key (`cnf`) and was sent as plain Bearer (RFC 9449 §7.2)."""

    code = "token_bound_to_key"


class NotPermittedError(AccessTokenError):
    """The token is valid and does not allow this request (RFC 9110 §15.5.4)."""

    code = "not_permitted"
    status = 403
    sentence = "The access token does not permit this request."


class InsufficientScope(NotPermittedError):
    """A scope is missing (RFC 6750 §3.1, `insufficient_scope`).

    Attributes:
        scopes: every scope that the request needs, in the order they were configured.
    """

    code = "insufficient_scope"
    error = "insufficient_scope"
    sentence = "The access token lacks a scope that this request needs."

    def __init__(self, scopes: tuple[str, ...], reason: str = "") -> None:
        self.scopes = scopes
        super().__init__(reason)


class ClaimRuleFailed(NotPermittedError):
    """A rule that the application put on the claims says no (RFC 6750 §3.1).

    The challenge names no scope: which other token would pass, only the rule knows.
    """

    code = "claim_rule_failed"
    error = "insufficient_scope"


class NotJudgedError(AccessTokenError):
    """Nobody could say whether the token is good, so it must not be called bad.

    Attributes:
        retry_after: seconds after which another try makes sense.
    """

    code = "not_judged"
    status = 503
    sentence = "The access token cannot be verified at the moment."

    def __init__(self, reason: str = "", *, retry_after: float = 1.0) -> None:
        # It becomes a header field, whatever a key source of somebody else's put in.
        self.retry_after = retry_after if 0 <= retry_after <= _MAX_RETRY_AFTER else 1.0
        super().__init__(reason)


class KeysUnavailable(NotJudgedError):
    """The issuer's keys are not to be had."""

    code = "keys_unavailable"


class VerificationFaulted(NotJudgedError):
    """The verifier or a rule broke; an unknown failure refuses."""

    code = "verification_faulted"
