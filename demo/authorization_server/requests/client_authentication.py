"""Client authentication: by secret in header or body (RFC 6749 §2.3.1), or by id if public."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import unquote_plus

from starlette.requests import Request

from demo.authorization_server.registrations.model import Client
from demo.authorization_server.requests.client_body import body_parameters
from demo.authorization_server.requests.oauth_error import OAuthError

SECRET_METHODS = ("client_secret_basic", "client_secret_post")
METHODS = (*SECRET_METHODS, "none")


class ClientAuthentication:
    """Finds the registered client that sent a request, and checks its secret."""

    def __init__(self, clients: Mapping[str, Client]) -> None:
        self._clients = clients
        self._digests = {
            client.client_id: _digest(client.client_secret)
            for client in clients.values()
            if client.client_secret is not None
        }
        # Unknown and public clients are compared with this, which no secret equals.
        self._no_secret = _digest(secrets.token_urlsafe(32))

    async def authenticated(self, request: Request) -> tuple[Client, Mapping[str, str]]:
        """Return the client and the parameters of its request.

        Raises OAuthError if `body_parameters` does. `invalid_client` if the id or the secret is
        wrong or missing, or a public client sends a secret; the sentence and the work are the same
        in all these cases. `invalid_request` if credentials are in the header and in the body
        (RFC 6749 §2.3).
        """
        parameters = await body_parameters(request)
        client_id, secret = _credentials(request, parameters)
        client = self._clients.get(client_id)
        expected = self._digests.get(client_id, self._no_secret)
        is_right = hmac.compare_digest(_digest(secret or ""), expected)
        if client is not None and client.is_public and secret is None:
            return client, parameters
        if client is not None and not client.is_public and is_right:
            return client, parameters
        raise OAuthError(
            "invalid_client", "The client id or the client secret is wrong or missing."
        )


def _digest(secret: str) -> bytes:
    # All digests have the same length, so that the comparison does not reveal the secret's length.
    return hashlib.sha256(secret.encode()).digest()


def _credentials(request: Request, parameters: Mapping[str, str]) -> tuple[str, str | None]:
    authorization = request.headers.getlist("authorization")
    if len(authorization) > 1:
        raise OAuthError("invalid_request", "The request has more than one Authorization header.")
    if not authorization:
        return parameters.get("client_id", ""), parameters.get("client_secret")
    client_id, secret = _basic(authorization[0])
    if "client_secret" in parameters or parameters.get("client_id", client_id) != client_id:
        raise OAuthError(
            "invalid_request",
            "The client credentials are in the header and in the body; send them in one place.",
        )
    return client_id, secret


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, credentials = authorization.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError(scheme)
        decoded = base64.b64decode(credentials.strip(), validate=True).decode("utf-8")
        client_id, colon, secret = decoded.partition(":")
        if not colon:
            raise ValueError("no colon")
        return unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (binascii.Error, ValueError):
        raise OAuthError(
            "invalid_client", "The Authorization header is not valid Basic credentials."
        ) from None
