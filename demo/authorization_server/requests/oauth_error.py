"""The refusal of the token endpoint and its neighbours: RFC 6749 §5.2, as exception and answer."""

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
"""For every answer that holds a token or speaks of one (RFC 6749 §5.1)."""

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="authorization server"'}


class OAuthError(Exception):
    """A request that is refused: the code of RFC 6749 §5.2 and a fixed sentence."""

    def __init__(self, code: Code, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description

    def response(self) -> JSONResponse:
        """Return the answer: 401 with a challenge for a client that is not known, otherwise 400."""
        body = {"error": self.code, "error_description": self.description}
        if self.code != "invalid_client":
            return JSONResponse(body, 400, dict(NO_STORE))
        return JSONResponse(body, 401, {**NO_STORE, **_CHALLENGE})
