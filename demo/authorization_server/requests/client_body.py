"""The parameters of a client's own request: a form or a flat JSON object, each of them once."""

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

_JSON = "application/json"


async def body_parameters(request: Request) -> dict[str, str]:
    """Return the parameters; one without a value counts as absent (RFC 6749 §3.2).

    Raises OAuthError for parameters in the query (they end up in logs, §2.3.1), another content
    type, a body that is too long, too slow or not what its type says, and a parameter that is sent
    twice.
    """
    if request.scope["query_string"]:
        raise OAuthError("invalid_request", "Parameters belong into the body, not the address.")
    content_type = media_type(request)
    if content_type == FORM:
        return _form(await _body(request))
    if content_type == _JSON:
        return _json(await _body(request))
    raise OAuthError("invalid_request", f"The body must be of type {FORM} or {_JSON}.")


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
            "invalid_request", "The body is not one JSON object in UTF-8, with each name once."
        ) from None
    values = {name: value for name, value in members.items() if isinstance(value, str)}
    if len(values) != len(members):
        raise OAuthError("invalid_request", "Every value in the JSON object must be a string.")
    return {name: value for name, value in values.items() if value}
