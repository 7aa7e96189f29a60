"""Response modes: how an authorization response gets to the client (query, fragment, form)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

ResponseMode = Literal["query", "fragment", "form_post"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a response goes: a registered redirect URI and a response mode.

    Arguments:
        state: the client's `state` parameter, which the response repeats; None if it sent none.
    """

    redirect_uri: str
    response_mode: ResponseMode
    state: str | None


def response_parameters(
    destination: Destination, issuer: str, response: Mapping[str, str]
) -> dict[str, str]:
    """Return all parameters that the client receives: the response, its `state`, and `iss`.

    `iss` names this server, also in errors, against mix-up attacks (RFC 9207 §2,
    RFC 9700 §4.4.2.1).
    """
    state = {} if destination.state is None else {"state": destination.state}
    return {**response, **state, "iss": issuer}


def location(destination: Destination, parameters: Mapping[str, str]) -> str:
    """Return the URL to redirect to, for the modes `query` and `fragment`.

    A query in the registered URI is kept (RFC 6749 §4.1.2, §3.1.2). All values from the request are
    percent-encoded, so that a line break cannot end the header.
    """
    # Spaces become %20: a script that reads the fragment with decodeURIComponent would keep a "+".
    encoded = urlencode(parameters, quote_via=quote)
    if destination.response_mode == "fragment":
        return f"{destination.redirect_uri}#{encoded}"
    if not encoded:
        return destination.redirect_uri
    return f"{destination.redirect_uri}{_separator(destination.redirect_uri)}{encoded}"


def form_action(redirect_uri: str) -> str:
    """Return the `form-action` source for a page whose form may lead to this redirect URI.

    Browsers also check the redirects that follow a form. A private-use scheme, and an IPv6 address,
    which the grammar of the policy cannot express, are allowed by their scheme alone.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"} or parts.hostname is None or ":" in parts.hostname:
        return f"{parts.scheme}:"
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _separator(redirect_uri: str) -> str:
    if "?" not in redirect_uri:
        return "?"
    return "" if redirect_uri.endswith(("?", "&")) else "&"
