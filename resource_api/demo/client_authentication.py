"""Proof of the client that asks for a token: its secret, by header or body (RFC 6749 §2.3.1)."""

import base64
import binascii
import hmac
from collections.abc import Mapping, Sequence
from urllib.parse import unquote_plus

from resource_api.demo.oauth_error import OAuthError
from resource_api.demo.registrations import Client

METHODS = ("client_secret_basic", "client_secret_post")


def authenticate(authorization: Sequence[str], form: Mapping[str, str], client: Client) -> None:
    """Return if the request proves to come from the client.

    `authorization` holds the values of every Authorization header. Raises OAuthError:
    `invalid_client` for a wrong id or secret alike, `invalid_request` for credentials in both
    places (RFC 6749 §2.3).
    """
    if len(authorization) > 1:
        raise OAuthError("invalid_request", "There is more than one Authorization header.")
    if not authorization:
        client_id, secret = form.get("client_id"), form.get("client_secret")
    else:
        client_id, secret = _basic(authorization[0])
        if "client_secret" in form or form.get("client_id", client_id) != client_id:
            raise OAuthError(
                "invalid_request",
                "The client's credentials are in the header and in the body; send them in one.",
            )
    if client_id is None or secret is None:
        raise OAuthError("invalid_client", "The client's id and secret are needed.")
    # Both are compared, always and whole, so that the time taken tells nothing.
    right_id = hmac.compare_digest(client_id.encode(), client.client_id.encode())
    right_secret = hmac.compare_digest(secret.encode(), client.client_secret.encode())
    if not (right_id & right_secret):
        raise OAuthError("invalid_client", "The client's id or secret is wrong.")


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
        raise OAuthError("invalid_client", "The Authorization header is not Basic.") from None
