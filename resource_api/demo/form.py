"""The parameters of a token request, read from its form body (RFC 6749 §3.2)."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from resource_api.demo.oauth_error import OAuthError

MAX_BYTES = 16 * 1024
"""A token request has some hundred bytes; the limit bounds what a stranger can make us hold."""


async def form_parameters(request: Request) -> dict[str, str]:
    """Return the parameters of the form; one without a value counts as absent (RFC 6749 §3.2).

    Raises OAuthError for another content type, a body that is too long or no form, and for a
    parameter that is sent twice.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise OAuthError(
            "invalid_request", "The body must be of type application/x-www-form-urlencoded."
        )
    try:
        pairs = parse_qsl(
            (await _body(request)).decode("utf-8"), keep_blank_values=True, errors="strict"
        )
    except ValueError:
        raise OAuthError("invalid_request", "The body is not a form in UTF-8.") from None
    parameters = dict(pairs)
    if len(parameters) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is sent more than once.")
    return {name: value for name, value in parameters.items() if value}


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise OAuthError("invalid_request", f"The body is longer than {MAX_BYTES} bytes.")
    return bytes(body)
