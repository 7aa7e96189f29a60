"""The rules for the single parameters of an authorization request; each may raise Refusal."""

import re
from collections.abc import Mapping

from demo.authorization_server.authorize.refusals import ErrorCode, Refusal
from demo.authorization_server.authorize.response_mode import ResponseMode
from demo.authorization_server.registrations.model import Client
from demo.authorization_server.registrations.values import RESPONSE_TYPES

RESPONSE_MODES: tuple[ResponseMode, ...] = ("query", "fragment", "form_post")

PROMPTS = ("none", "login", "consent", "select_account")
"""OpenID Connect Core §3.1.2.1."""

MAX_OPAQUE = 2048
"""Characters of a `state` or `nonce`: enough for a signed value."""

_UNSUPPORTED: Mapping[str, ErrorCode] = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""OpenID Connect Core §3.1.2.6. Ignoring them would be wrong: they change the request."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url (RFC 7636 §4.2)."""

_MAX_AGE = re.compile(r"[0-9]{1,10}")


def refuse_unsupported(parameters: Mapping[str, str]) -> None:
    """Refuse parameters that contain or point to another request or registration."""
    for name, error in _UNSUPPORTED.items():
        if name in parameters:
            raise Refusal(error, f"This server does not support {name}.")


def response_type(parameters: Mapping[str, str], client: Client) -> frozenset[str]:
    """Return the response type: a set, because the order has no meaning (OAuth 2.0 Multiple
    Response Types §3)."""
    if "response_type" not in parameters:
        raise Refusal("invalid_request", "response_type is missing.")
    values = parameters["response_type"].split(" ")
    requested = frozenset(values)
    if requested not in RESPONSE_TYPES or len(values) != len(requested):
        raise Refusal(
            "unsupported_response_type", "This server does not support this response_type."
        )
    if requested not in client.response_types:
        raise Refusal("unauthorized_client", "The client is not registered for this response_type.")
    return requested


def response_mode(parameters: Mapping[str, str]) -> ResponseMode:
    """Return how the response is sent. Errors are sent the same way, so this never raises.

    Only a code alone may be in the query: tokens there would get into logs and Referer headers
    (OAuth 2.0 Multiple Response Types §3 to §5).
    """
    requested = parameters.get("response_mode")
    if requested == "form_post":
        return "form_post"
    if parameters.get("response_type") == "code" and requested != "fragment":
        return "query"
    return "fragment"


def refuse_response_mode(parameters: Mapping[str, str]) -> None:
    """Refuse an unknown response mode, and one that would put tokens in a query."""
    requested = parameters.get("response_mode")
    if requested is not None and requested not in RESPONSE_MODES:
        raise Refusal("invalid_request", "This server does not support this response_mode.")
    if requested == "query" and parameters.get("response_type") != "code":
        raise Refusal(
            "invalid_request", "response_mode query is allowed with response_type code only."
        )


def refuse_long_values(parameters: Mapping[str, str]) -> None:
    """Refuse a `state` or `nonce` that is longer than `MAX_OPAQUE`."""
    for name in ("state", "nonce"):
        if len(parameters.get(name, "")) > MAX_OPAQUE:
            raise Refusal("invalid_request", f"{name} is longer than {MAX_OPAQUE} characters.")


def nonce(parameters: Mapping[str, str], response_type: frozenset[str]) -> str | None:
    """Return the nonce; it is required if the response contains an ID token (OpenID Connect Core
    §3.3.2.11)."""
    if "id_token" in response_type and "nonce" not in parameters:
        raise Refusal("invalid_request", "nonce is missing; response_type id_token requires it.")
    return parameters.get("nonce")


def code_challenge(parameters: Mapping[str, str], client: Client) -> str | None:
    """Return the PKCE challenge (RFC 7636 §4.3).

    The method `plain` is refused: it protects nothing. Public clients must send a challenge
    (RFC 9700 §2.1.1).
    """
    challenge, method = parameters.get("code_challenge"), parameters.get("code_challenge_method")
    if method is not None and method != "S256":
        raise Refusal("invalid_request", "code_challenge_method must be S256.")
    if challenge is None and method is not None:
        raise Refusal("invalid_request", "code_challenge_method is sent without code_challenge.")
    if challenge is not None and method is None:
        raise Refusal("invalid_request", "code_challenge is sent without code_challenge_method.")
    if challenge is not None and not _CHALLENGE.fullmatch(challenge):
        raise Refusal("invalid_request", "code_challenge must be 43 characters of base64url.")
    if challenge is None and client.is_public:
        raise Refusal("invalid_request", "A public client must send a code_challenge.")
    return challenge


def prompts(parameters: Mapping[str, str]) -> frozenset[str]:
    """Return the values of `prompt`: which pages the client wants the person to see."""
    if "prompt" not in parameters:
        return frozenset()
    requested = frozenset(parameters["prompt"].split(" "))
    if not requested.issubset(PROMPTS):
        raise Refusal("invalid_request", "prompt has a value that this server does not support.")
    if "none" in requested and len(requested) > 1:
        raise Refusal("invalid_request", "prompt none cannot be combined with another value.")
    return requested


def max_age(parameters: Mapping[str, str]) -> int | None:
    """Return the maximum age of the sign-in, in seconds; None for any age."""
    if "max_age" not in parameters:
        return None
    if not _MAX_AGE.fullmatch(parameters["max_age"]):
        raise Refusal("invalid_request", "max_age must be a whole number of seconds.")
    return int(parameters["max_age"])
