"""The rules for single parameters of an authorization request; each raises Refusal."""

import re
from collections.abc import Mapping

from demo.authorization_server.authorize.refusals import ErrorCode, Refusal
from demo.authorization_server.authorize.response_mode import ResponseMode
from demo.authorization_server.registrations.model import RESPONSE_TYPES, Client

RESPONSE_MODES: tuple[ResponseMode, ...] = ("query", "fragment", "form_post")

PROMPTS = ("none", "login", "consent", "select_account")
"""OpenID Connect Core §3.1.2.1."""

MAX_OPAQUE = 2048
"""Characters of a `state` or a `nonce`: room for a signed value, not for a document."""

_UNSUPPORTED: Mapping[str, ErrorCode] = {
    "request": "request_not_supported",
    "request_uri": "request_uri_not_supported",
    "registration": "registration_not_supported",
}
"""OpenID Connect Core §3.1.2.6: who sends one of these counts on its being obeyed."""

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url (RFC 7636 §4.2)."""

_MAX_AGE = re.compile(r"[0-9]{1,10}")


def refuse_unsupported(given: Mapping[str, str]) -> None:
    """Refuse the parameters that carry a request inside."""
    for name, error in _UNSUPPORTED.items():
        if name in given:
            raise Refusal(error, f"This server does not support {name}.")


def response_type(given: Mapping[str, str], client: Client) -> frozenset[str]:
    """Return the response type: a set, whose order means nothing (OAuth 2.0 Multiple Response
    Types §3)."""
    if "response_type" not in given:
        raise Refusal("invalid_request", "response_type is missing.")
    values = given["response_type"].split(" ")
    asked = frozenset(values)
    if asked not in RESPONSE_TYPES or len(values) != len(asked):
        raise Refusal("unsupported_response_type", "This server does not know the response_type.")
    if asked not in client.response_types:
        raise Refusal("unauthorized_client", "The client may not ask for this response_type.")
    return asked


def place(given: Mapping[str, str]) -> ResponseMode:
    """Return where the answer goes; also for a request that has faults, so it raises nothing.

    The query is for a bare code only: what else there is would be in logs and Referer headers
    (OAuth 2.0 Multiple Response Types §3 to §5).
    """
    asked = given.get("response_mode")
    if asked == "form_post":
        return "form_post"
    if given.get("response_type") == "code" and asked != "fragment":
        return "query"
    return "fragment"


def refuse_response_mode(given: Mapping[str, str]) -> None:
    """Refuse a response mode that does not exist, or would show tokens in a query."""
    asked = given.get("response_mode")
    if asked is not None and asked not in RESPONSE_MODES:
        raise Refusal("invalid_request", "This server does not know the response_mode.")
    if asked == "query" and given.get("response_type") != "code":
        raise Refusal("invalid_request", "response_mode query is for response_type code only.")


def refuse_long_values(given: Mapping[str, str]) -> None:
    """Refuse a `state` or a `nonce` that is longer than `MAX_OPAQUE`."""
    for name in ("state", "nonce"):
        if len(given.get(name, "")) > MAX_OPAQUE:
            raise Refusal("invalid_request", f"{name} is longer than {MAX_OPAQUE} characters.")


def nonce(given: Mapping[str, str], asked: frozenset[str]) -> str | None:
    """Return the nonce; required where an ID token comes from this endpoint (OpenID Connect Core
    §3.3.2.11)."""
    if "id_token" in asked and "nonce" not in given:
        raise Refusal("invalid_request", "nonce is missing: the response_type has id_token.")
    return given.get("nonce")


def code_challenge(given: Mapping[str, str], client: Client) -> str | None:
    """Return the challenge of PKCE (RFC 7636 §4.3); `plain`, which protects nothing, is refused,
    and a public client cannot do without (RFC 9700 §2.1.1)."""
    challenge, method = given.get("code_challenge"), given.get("code_challenge_method")
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


def prompts(given: Mapping[str, str]) -> frozenset[str]:
    """Return what the client wants the person to be asked."""
    if "prompt" not in given:
        return frozenset()
    asked = frozenset(given["prompt"].split(" "))
    if not asked.issubset(PROMPTS):
        raise Refusal("invalid_request", "prompt has a value that this server does not know.")
    if "none" in asked and len(asked) > 1:
        raise Refusal("invalid_request", "prompt has none together with another value.")
    return asked


def max_age(given: Mapping[str, str]) -> int | None:
    """Return how many seconds ago the sign-in may have been."""
    if "max_age" not in given:
        return None
    if not _MAX_AGE.fullmatch(given["max_age"]):
        raise Refusal("invalid_request", "max_age must be a whole number of seconds.")
    return int(given["max_age"])
