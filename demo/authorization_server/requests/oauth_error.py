"""The error of the endpoints for clients (RFC 6749 §5.2), as an exception and a response."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from starlette.responses import JSONResponse

Code = Literal[
    "invalid_request",
    "invalid_client",
    "invalid_grant",
    "invalid_scope",
    "invalid_target",  # RFC 8707 §2
    "unauthorized_client",
    "unsupported_grant_type",
]

NO_STORE: Mapping[str, str] = MappingProxyType({"Cache-Control": "no-store", "Pragma": "no-cache"})
"""For every response with a token, or about a token (RFC 6749 §5.1)."""

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="authorization server"'}


class OAuthError(Exception):
    """Refuses a request, with a code of RFC 6749 §5.2 and a fixed sentence."""

    def __init__(self, code: Code, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description

    def response(self) -> JSONResponse:
        """Return the response: 401 with a challenge for `invalid_client`, otherwise 400."""
        body = {"error": self.code, "error_description": self.description}
        if self.code != "invalid_client":
            return JSONResponse(body, 400, dict(NO_STORE))
        return JSONResponse(body, 401, {**NO_STORE, **_CHALLENGE})
