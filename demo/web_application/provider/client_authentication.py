"""Client authentication: requests to the token and revocation endpoints carry the client secret."""

from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import quote_plus

import httpx

from demo.web_application.provider.discovery import Metadata
from demo.web_application.settings import WebApplicationSettings


def authenticated_request(
    http: httpx.AsyncClient,
    settings: WebApplicationSettings,
    metadata: Metadata,
    endpoint: str,
    form: Mapping[str, str],
) -> httpx.Request:
    """Return a request with the client's credentials, by a method that the provider supports."""
    headers = {"Accept": "application/json"}
    if "client_secret_basic" in metadata.authentication:
        # Form-encoded first, because a colon separates the two parts (RFC 6749 §2.3.1).
        pair = f"{quote_plus(settings.client_id)}:{quote_plus(settings.client_secret)}"
        headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        sent = dict(form)
    else:
        sent = {**form, "client_id": settings.client_id, "client_secret": settings.client_secret}
    return http.build_request("POST", endpoint, data=sent, headers=headers)
