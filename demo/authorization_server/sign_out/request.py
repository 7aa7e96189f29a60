"""A request to sign out: parameters and registrations in, a request or a fault out; no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from demo.authorization_server.authorize.parameter_rules import MAX_OPAQUE
from demo.authorization_server.authorize.refusals import RequestUnusable
from demo.authorization_server.authorize.response_mode import Destination
from demo.authorization_server.registrations.model import Client, Registrations
from demo.authorization_server.requests.parameters import Parameters
from demo.authorization_server.token.id_token_hint import Hint

NAMES = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state")
"""The parameters that mean something here; `logout_hint` and `ui_locales` are ignored."""


@dataclass(frozen=True, slots=True)
class LogoutRequest:
    """A request that can be done.

    Arguments:
        username: whom the client's ID token names; None where it sent none.
        destination: where the browser goes then; None for a page of this server.
        given: the parameters that it was made of.
    """

    client: Client | None
    username: str | None
    destination: Destination | None
    given: Mapping[str, str]

    @property
    def query(self) -> str:
        """The request as a query, for the page to carry it."""
        return urlencode(self.given, quote_via=quote)


def given_parameters(sent: Parameters) -> dict[str, str]:
    """Return the parameters that mean something.

    Raises RequestUnusable where one of them is repeated, and for what is not proper text.
    """
    for name in NAMES:
        if name in sent.repeated:
            raise RequestUnusable("This parameter is sent more than once.", name)
    if sent.malformed:
        raise RequestUnusable("A parameter is not proper text.")
    return {name: sent.values[name] for name in NAMES if name in sent.values}


def logout_request(
    given: Mapping[str, str], hint: Hint | None, registrations: Registrations
) -> LogoutRequest:
    """Judge a request (OpenID Connect RP-Initiated Logout §2, §3).

    Raises RequestUnusable: a fault is shown and never redirected (§4).

    Arguments:
        hint: what the `id_token_hint` says; None where there is none, and for an outdated one.
    """
    client_id = given.get("client_id", None if hint is None else hint.client_id)
    if hint is not None and hint.client_id != client_id:
        raise RequestUnusable("The ID token was given to another client.", "id_token_hint")
    client = None if client_id is None else registrations.clients.get(client_id)
    if client_id is not None and client is None:
        raise RequestUnusable("No client with this id is registered.", "client_id", client_id)
    username = None if hint is None else hint.username
    return LogoutRequest(client, username, _destination(given, client), given)


def _destination(given: Mapping[str, str], client: Client | None) -> Destination | None:
    address = given.get("post_logout_redirect_uri")
    if address is None:
        return None
    if client is None and "id_token_hint" in given:
        # The hint is outdated. Whose address it is nobody knows, so it ends at this server.
        return None
    if client is None:
        raise RequestUnusable(
            "Without client_id or id_token_hint nobody can be sent to an address.",
            "post_logout_redirect_uri",
            address,
        )
    if address not in client.post_logout_redirect_uris:
        raise RequestUnusable(
            "This address is not registered for the client.", "post_logout_redirect_uri", address
        )
    state = given.get("state")
    if state is not None and len(state) > MAX_OPAQUE:
        raise RequestUnusable(f"This parameter is longer than {MAX_OPAQUE} characters.", "state")
    return Destination(address, "query", state)
