"""The parameters of a client's own request: a form or a flat JSON object, each name once."""

import re
from collections.abc import Mapping

from starlette.requests import Request

from asgi_bearer.jose import json_object
from demo.authorization_server.requests.oauth_error import OAuthError
from demo.authorization_server.requests.parameters import (
    FORM,
    ParametersUnreadable,
    media_type,
    parameters,
    whole_body,
)
from demo.authorization_server.requests.resource_indicators import SEVERAL, several_resources

MAX_LIFETIME = 86_400
"""Seconds; a day, which is Auth0's default for an API's access tokens."""

_JSON = "application/json"

# Only ASCII digits, and few of them: int() accepts other scripts, underscores, and any length.
_SECONDS = re.compile("-?[1-9][0-9]{0,4}")


async def body_parameters(request: Request) -> dict[str, str]:
    """Return the parameters; one with an empty value counts as absent (RFC 6749 §3.2).

    Raises OAuthError if parameters are in the query (queries end up in logs, §2.3.1), if the
    content type is another one, if the body is too long, too slow or malformed, and if a parameter
    is sent twice.
    """
    if request.scope["query_string"]:
        raise OAuthError("invalid_request", "Send the parameters in the body, not in the URL.")
    content_type = media_type(request)
    if content_type == FORM:
        return _form(await _body(request))
    if content_type == _JSON:
        return _json(await _body(request))
    raise OAuthError("invalid_request", f"The content type must be {FORM} or {_JSON}.")


def required(parameters: Mapping[str, str], name: str) -> str:
    """Return the value of a parameter; raises OAuthError if it is absent."""
    if name not in parameters:
        raise OAuthError("invalid_request", f"{name} is missing.")
    return parameters[name]


def requested_lifetime(parameters: Mapping[str, str]) -> int | None:
    """Return `expires_in`, the lifetime that the client wants for the token; None if it is absent.

    This parameter is not part of OAuth: it lets people watch a token expire. A negative number
    gives a token that expired so many seconds ago. Raises OAuthError.
    """
    seconds = parameters.get("expires_in")
    if seconds is None:
        return None
    if _SECONDS.fullmatch(seconds) and abs(int(seconds)) <= MAX_LIFETIME:
        return int(seconds)
    raise OAuthError(
        "invalid_request",
        f"expires_in must be a whole number of seconds from 1 to {MAX_LIFETIME}; a minus sign "
        "before it gives an expired token.",
    )


async def _body(request: Request) -> bytes:
    try:
        return await whole_body(request)
    except ParametersUnreadable as fault:
        raise OAuthError("invalid_request", str(fault)) from None


def _form(body: bytes) -> dict[str, str]:
    form = parameters(body)
    if several_resources(form.repeated):
        raise OAuthError("invalid_target", SEVERAL)
    if form.repeated:
        raise OAuthError("invalid_request", "A parameter is sent more than once.")
    if form.malformed:
        raise OAuthError("invalid_request", "The body is not a form in UTF-8.")
    return dict(form.values)


def _json(body: bytes) -> dict[str, str]:
    try:
        members = json_object(body)
    except ValueError:
        raise OAuthError(
            "invalid_request", "The body must be one JSON object in UTF-8, with each name once."
        ) from None
    values = {name: value for name, value in members.items() if isinstance(value, str)}
    if len(values) != len(members):
        raise OAuthError("invalid_request", "Every value in the JSON object must be a string.")
    return {name: value for name, value in values.items() if value}
