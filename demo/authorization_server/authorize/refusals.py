"""The exceptions that end an authorization request without tokens."""

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
    """The request names no redirect URI that can be trusted: the fault is shown to the person.

    Arguments:
        sentence: what is wrong; fixed text.
        name: the parameter that is wrong.
        value: its value as sent; "" if there is none.
    """

    def __init__(self, sentence: str, name: str = "", value: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.name = name
        self.value = value


class Refusal(Exception):
    """An error that the client receives.

    Arguments:
        description: fixed text with the characters that RFC 6749 §4.1.2.1 allows: no quotation
            mark, no backslash.
    """

    def __init__(self, error: ErrorCode, description: str) -> None:
        super().__init__(error, description)
        self.error = error
        self.description = description


class RequestRefused(Exception):
    """A refusal, and the destination that it is sent to."""

    def __init__(self, destination: Destination, refusal: Refusal) -> None:
        super().__init__(refusal.error, refusal.description)
        self.destination = destination
        self.refusal = refusal
