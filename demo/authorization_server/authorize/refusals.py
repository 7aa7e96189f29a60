"""The ways in which an authorization request fails."""

from typing import Literal

from demo.authorization_server.authorize.response_mode import Destination

ErrorCode = Literal[
    "access_denied",
    "consent_required",
    "invalid_request",
    "invalid_scope",
    "invalid_target",
    "login_required",
    "registration_not_supported",
    "request_not_supported",
    "request_uri_not_supported",
    "unauthorized_client",
    "unsupported_response_type",
]
"""RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6, RFC 8707 §2."""


class RequestUnusable(Exception):
    """There is no address to answer to: the fault is shown to the person, nothing is redirected.

    Arguments:
        sentence: what is wrong, fixed text.
        name: the parameter that is meant.
        value: what was sent for it; "" where nothing was.
    """

    def __init__(self, sentence: str, name: str = "", value: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.name = name
        self.value = value


class Refusal(Exception):
    """Why the client does not get what it asked for.

    Arguments:
        description: fixed text, of the characters that RFC 6749 §4.1.2.1 allows: no quotation
            mark, no backslash.
    """

    def __init__(self, error: ErrorCode, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description


class RequestRefused(Exception):
    """A refusal, and where the client is told of it."""

    def __init__(self, destination: Destination, refusal: Refusal) -> None:
        super().__init__(refusal.error, refusal.description)
        self.destination = destination
        self.refusal = refusal
