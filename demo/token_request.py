"""Asking a running issuer for a token, over HTTP as any client would."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httpx

LOOPBACK = ("127.0.0.1", "localhost", "::1")

TIMEOUT = 5.0
"""Seconds; the issuer is on this machine and answers in milliseconds."""


class TokenRequestFailed(Exception):
    """There is no token; the message says why."""


class IssuerNotRunning(TokenRequestFailed):
    """Nothing answers at the issuer's address."""


class ClientUnknown(TokenRequestFailed):
    """The issuer does not know this client and secret: they are from another data folder."""


def issuer_address(text: str) -> str:
    """Return the address of an issuer on this machine, with its final slash.

    Raises ValueError for any other: the demo's secret is for the demo's issuer only.
    """
    expected = "expected http://, a loopback host and a port, as in http://127.0.0.1:9000/"
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
    """Return the access token that the issuer gives for the parameters.

    Raises TokenRequestFailed.
    """
    form = {
        **parameters,
        "grant_type": "client_credentials",
        "client_id": client_id,
        "client_secret": client_secret,
    }
    try:
        # A proxy or .netrc from the environment has no business with a loopback address.
        with httpx.Client(trust_env=False, timeout=TIMEOUT) as http:
            answer = http.post(f"{issuer}oauth/token", data=form)
    except httpx.ConnectError:
        raise IssuerNotRunning(f"No issuer is running at {issuer}.") from None
    except httpx.HTTPError as error:
        raise TokenRequestFailed(
            f"The issuer at {issuer} did not answer ({type(error).__name__})."
        ) from None
    try:
        content: object = answer.json()
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise TokenRequestFailed(f"What answers at {issuer} is not the demo's issuer.")
    return _token(issuer, answer.status_code, cast("dict[str, object]", content))


def _token(issuer: str, status: int, content: Mapping[str, object]) -> str:
    if content.get("error") == "invalid_client":
        raise ClientUnknown(f"The issuer at {issuer} does not know this client.")
    if "error" in content:
        raise TokenRequestFailed(
            f"The issuer refused ({content['error']}): {content.get('error_description', '')}"
        )
    token = content.get("access_token")
    if status != 200 or not isinstance(token, str):
        raise TokenRequestFailed(f"What answers at {issuer} is not the demo's issuer.")
    return token
