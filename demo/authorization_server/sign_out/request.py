"""Checks a sign-out request against the registrations; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from demo.authorization_server.authorize.parameter_rules import MAX_OPAQUE
from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.authorize.response_mode import Destination
from demo.authorization_server.registrations.model import Client, Registrations
from demo.authorization_server.requests.parameters import Parameters
from demo.authorization_server.token.id_token_hint import IdTokenHint

NAMES = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
"""The parameters that this server knows; `logout_hint` and `ui_locales` are ignored."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A valid request.

    Arguments:
        username: the user in the ID token; None if the client sent no ID token.
        destination: where the browser goes afterwards; None for a page of this server.
        parameters: the known parameters, as sent.
    """

    client: Client | None
    username: str | None
    destination: Destination | None
    parameters: Mapping[str, str]

    @property
    def query(self) -> str:
        """The request as a query, for the form of the page."""
        return urlencode(self.parameters, quote_via=quote)


def known_parameters(sent: Parameters) -> dict[str, str]:
    """Return the parameters that this server knows.

    Raises RequestUnusable if one of them is sent twice, or any parameter is malformed.
    """
    for name in NAMES:
        if name in sent.repeated:
            raise RequestUnusable("This parameter is sent more than once.", name)
    if sent.malformed:
        raise RequestUnusable("A parameter is not valid UTF-8 text.")
    return {name: sent.values[name] for name in NAMES if name in sent.values}


def logout_request(
    parameters: Mapping[str, str], hint: IdTokenHint | None, registrations: Registrations
) -> LogoutRequest:
    """Return the request if it is valid (OpenID Connect RP-Initiated Logout §2, §3).

    Raises RequestUnusable: faults are shown to the person and never redirected (§4).

    Arguments:
        hint: None if there is no `id_token_hint`, and if it is outdated.
    """
    client_id = parameters.get("client_id", None if hint is None else hint.client_id)
    if hint is not None and hint.client_id != client_id:
        raise RequestUnusable("The ID token was issued to another application.", "id_token_hint")
    client = None if client_id is None else registrations.clients.get(client_id)
    if client_id is not None and client is None:
        raise RequestUnusable("No application is registered under this id.", "client_id", client_id)
    username = None if hint is None else hint.username
    return LogoutRequest(client, username, _destination(parameters, client), parameters)


def _destination(parameters: Mapping[str, str], client: Client | None) -> Destination | None:
    redirect_uri = parameters.get("post_logout_redirect_uri")
    if redirect_uri is None:
        return None
    if client is None and "id_token_hint" in parameters:
        # The hint is outdated, so the client is unknown: the browser stays at this server.
        return None
    if client is None:
        raise RequestUnusable(
            "Going back to an application after sign-out needs client_id or id_token_hint.",
            "post_logout_redirect_uri",
            redirect_uri,
        )
    if redirect_uri not in client.post_logout_redirect_uris:
        raise RequestUnusable(
            "This address is not registered for the application.",
            "post_logout_redirect_uri",
            redirect_uri,
        )
    state = parameters.get("state")
    if state is not None and len(state) > MAX_OPAQUE:
        raise RequestUnusable(f"This parameter is longer than {MAX_OPAQUE} characters.", "state")
    return Destination(redirect_uri, "query", state)
