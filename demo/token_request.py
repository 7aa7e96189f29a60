"""Requests a token from the running authorization server, over HTTP like any client."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httpx

LOOPBACK = ("127.0.0.1", "localhost", "::1")

TIMEOUT = 5.0
"""Seconds; an authorization server on this machine answers in milliseconds."""


class TokenRequestFailed(Exception):
    """The request gave no token; the message says why."""


class IssuerNotRunning(TokenRequestFailed):
    """No server answers at the issuer's address."""


class ClientUnknown(TokenRequestFailed):
    """The issuer rejects the client secret: it is from another data folder."""


def issuer_address(text: str) -> str:
    """Return the address of an issuer on this machine, with its final slash.

    Raises ValueError for any other address: the client secret must not leave this machine.
    """
    expected = "expected http://, a loopback host and a port, such as http://127.0.0.1:9000/"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme != "http" or parts.hostname not in LOOPBACK or "@" in parts.netloc:
        raise ValueError(expected)
    if parts.path not in {"", "/"} or parts.query or parts.fragment or port == 0:
        raise ValueError(expected)
    return f"http://{parts.netloc}/"


def requested_token(
    issuer: str, client_id: str, client_secret: str, parameters: Mapping[str, str]
) -> str:
    """Return the access token that the issuer gives for these parameters.

    Raises TokenRequestFailed.
    """
    form = {
        **parameters,
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
    }
    try:
        # Proxies and .netrc files from the environment are not for loopback addresses.
        with httpx.Client(trust_env=False, timeout=TIMEOUT) as http:
            answer = http.post(f"{issuer}oauth/token", data=form)
    except httpx.ConnectError:
        raise IssuerNotRunning(f"No authorization server is running at {issuer}.") from None
    except httpx.HTTPError as error:
        raise TokenRequestFailed(
            f"The authorization server at {issuer} did not answer ({type(error).__name__})."
        ) from None
    try:
        content: object = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise TokenRequestFailed(f"The server at {issuer} is not the demo's authorization server.")
    return _token(issuer, answer.status_code, cast("dict[str, object]", content))


def _token(issuer: str, status: int, content: Mapping[str, object]) -> str:
    if content.get("error") == "invalid_client":
        raise ClientUnknown(
            f"The authorization server at {issuer} does not accept the client secret."
        )
    if "error" in content:
        raise TokenRequestFailed(
            f"The authorization server refused the request ({content['error']}): "
            f"{content.get('error_description', '')}"
        )
    token = content.get("access_token")
    if status != 200 or not isinstance(token, str):
        raise TokenRequestFailed(f"The server at {issuer} is not the demo's authorization server.")
    return token
