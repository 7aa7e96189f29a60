"""The refusal of the demo's issuer: RFC 6749 §5.2 as an exception and as a response."""

from typing import Literal

from starlette.responses import JSONResponse

Code = Literal[
    "invalid_request",
    "invalid_client",
    "unsupported_grant_type",
    "invalid_scope",
]

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}
"""For every answer of the token endpoint (RFC 6749 §5.1)."""


class OAuthError(Exception):
    """A request that the issuer refuses: the code of RFC 6749 §5.2 and a fixed sentence."""

    def __init__(self, code: Code, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description

    def response(self) -> JSONResponse:
        """Return the answer: 401 with a challenge for a client that is not known, otherwise 400."""
        body = {"error": self.code, "error_description": self.description}
        if self.code != "invalid_client":
            return JSONResponse(body, 400, NO_STORE)
        return JSONResponse(body, 401, {**NO_STORE, "WWW-Authenticate": 'Basic realm="issuer"'})
