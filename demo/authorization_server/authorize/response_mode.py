"""Where the answer to an authorization request goes, and how: query, fragment or a posted form."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote, urlencode, urlsplit

ResponseMode = Literal["query", "fragment", "form_post"]


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an answer goes: an address that is registered, and the way into it.

    Arguments:
        state: what the client wants to find in the answer again; None where it sent none.
    """

    redirect_uri: str
    response_mode: ResponseMode
    state: str | None


def answer_parameters(
    destination: Destination, issuer: str, answer: Mapping[str, str]
) -> dict[str, str]:
    """Return all that the client receives: the answer, its `state`, and who answers.

    `iss` goes with errors as well, against mix-up (RFC 9207 §2, RFC 9700 §4.4.2.1).
    """
    state = {} if destination.state is None else {"state": destination.state}
    return {**answer, **state, "iss": issuer}


def location(destination: Destination, parameters: Mapping[str, str]) -> str:
    """Return the address to redirect to, for the modes `query` and `fragment`.

    A query that the registered address has stays (RFC 6749 §4.1.2, §3.1.2). Everything that comes
    from the request is percent-encoded, line breaks too: none can end the header.
    """
    # Spaces are %20: a script that reads the fragment with decodeURIComponent keeps a "+".
    encoded = urlencode(parameters, quote_via=quote)
    if destination.response_mode == "fragment":
        return f"{destination.redirect_uri}#{encoded}"
    if not encoded:
        return destination.redirect_uri
    return f"{destination.redirect_uri}{_joint(destination.redirect_uri)}{encoded}"


def form_action(redirect_uri: str) -> str:
    """Return the source for the `form-action` of a page whose form may end at this address.

    Browsers check the redirects that follow a form, too. For an application's own scheme, and for
    an IPv6 address, which the policy's grammar cannot express, it is the scheme alone.
    """
    parts = urlsplit(redirect_uri)
    if parts.scheme not in {"http", "https"} or parts.hostname is None or ":" in parts.hostname:
        return f"{parts.scheme}:"
    port = "" if parts.port is None else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def _joint(redirect_uri: str) -> str:
    if "?" not in redirect_uri:
        return "?"
    return "" if redirect_uri.endswith(("?", "&")) else "&"
