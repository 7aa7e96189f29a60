"""`POST /oauth/token`: an access token for a registered client (RFC 6749 §4.4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from resource_api.demo.access_token import access_token
from resource_api.demo.client_authentication import authenticate
from resource_api.demo.demo_parameters import CLIENT_SUFFIX, lifetime, unsafe_subject
from resource_api.demo.form import form_parameters
from resource_api.demo.keys import SigningKey
from resource_api.demo.oauth_error import NO_STORE, OAuthError
from resource_api.demo.registrations import Api, Client

GRANT_TYPE = "client_credentials"
MAX_AUDIENCE = 255
"""Characters."""


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """The endpoint with all it needs to know; `clock` gives seconds since the epoch."""

    issuer: str
    key: SigningKey
    client: Client
    api: Api
    clock: Callable[[], float]

    async def respond(self, request: Request) -> Response:
        """Answer one token request."""
        try:
            form = await form_parameters(request)
            authenticate(request.headers.getlist("authorization"), form, self.client)
            return JSONResponse(self._granted(form), headers=NO_STORE)
        except OAuthError as error:
            return error.response()

    def _granted(self, form: Mapping[str, str]) -> dict[str, object]:
        grant_type = form.get("grant_type")
        if grant_type is None:
            raise OAuthError("invalid_request", "grant_type is missing.")
        if grant_type != GRANT_TYPE:
            raise OAuthError("unsupported_grant_type", f"grant_type must be {GRANT_TYPE}.")
        scopes = self._scopes(form)
        seconds = lifetime(form)
        token = access_token(
            self.key,
            issuer=self.issuer,
            audience=self._audience(form),
            client_id=self.client.client_id,
            subject=unsafe_subject(form) or self.client.client_id + CLIENT_SUFFIX,
            scopes=scopes,
            issued_at=int(self.clock()),
            lifetime=seconds,
            grant="client-credentials",
        )
        return {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": seconds,
            "scope": " ".join(scopes),
        }

    def _scopes(self, form: Mapping[str, str]) -> tuple[str, ...]:
        """Return the scopes asked for, each once.

        There is no default (RFC 6749 §3.3 leaves the choice): a token holds what was asked for.
        """
        asked = tuple(dict.fromkeys(form.get("scope", "").split(" ")))
        if not set(asked) <= set(self.api.scopes):
            raise OAuthError(
                "invalid_scope",
                f"scope must name one or more of: {' '.join(self.api.scopes)}.",
            )
        return asked

    def _audience(self, form: Mapping[str, str]) -> str:
        """Return the audience asked for, the registered API's by default.

        Any other is granted as well, so that one can watch the API refuse a token that is
        meant for somebody else.
        """
        audience = form.get("audience", self.api.audience)
        if len(audience) > MAX_AUDIENCE or not audience.isprintable() or " " in audience:
            raise OAuthError(
                "invalid_request",
                f"audience must be 1 to {MAX_AUDIENCE} printable characters without a space.",
            )
        return audience
