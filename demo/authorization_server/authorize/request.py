"""Checks an authorization request against the registrations; no I/O.

The order of the checks decides whether the client or the person learns of a fault (RFC 6749
§4.1.2.1, OpenID Connect Core §3.1.2.2, §3.3.2.6):

- Until the client and its registered redirect URI are known, the fault is shown to the person.
  Nothing is redirected, so that attackers cannot use this server to send people to their own sites
  (RFC 9700 §4.11).
- After that, every fault is sent to the redirect URI, the same way as a response.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from demo.authorization_server.authorize import parameter_rules
from demo.authorization_server.authorize.permissions import Permissions, permissions
from demo.authorization_server.authorize.refusals import Refusal, RequestRefused, RequestUnusable
from demo.authorization_server.authorize.response_mode import Destination
from demo.authorization_server.registrations.model import Client, Registrations
from demo.authorization_server.registrations.redirect_uris import is_registered
from demo.authorization_server.requests.parameters import Parameters
from demo.authorization_server.requests.resource_indicators import SEVERAL, several_resources

NAMES = frozenset(
    {
        "audience",
        "client_id",
        "code_challenge",
        "code_challenge_method",
        "id_token_hint",
        "login_hint",
        "max_age",
        "nonce",
        "prompt",
        "redirect_uri",
        "registration",
        "request",
        "request_uri",
        "resource",
        "response_mode",
        "response_type",
        "scope",
        "state",
    }
)
"""The parameters that this server knows; all others are ignored (RFC 6749 §3.1)."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid request, which can be granted when the person has signed in and consented.

    Arguments:
        code_challenge: of the method S256.
        prompts: the values of `prompt`: pages that the client wants the person to see, or `none`.
        max_age: maximum age of the sign-in in seconds; None for any age.
        parameters: the known parameters, as sent.
    """

    client: Client
    destination: Destination
    response_type: frozenset[str]
    permissions: Permissions
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    max_age: int | None
    parameters: Mapping[str, str]

    @property
    def client_cannot_be_impersonated(self) -> bool:
        """Whether the client has a secret or an https redirect URI.

        Another program on the same machine can take over a loopback port or a private-use scheme.
        A remembered consent would then give it tokens (RFC 6749 §10.2, RFC 8252 §8.6).
        """
        return not self.client.is_public or self.destination.redirect_uri.startswith("https:")

    @property
    def query(self) -> str:
        """The request as a query, for the forms of the pages: the server itself stores nothing."""
        return query(self.parameters)

    @property
    def digest(self) -> str:
        """SHA-256 over the parameters: identifies the request."""
        return hashlib.sha256(query(dict(sorted(self.parameters.items()))).encode()).hexdigest()

    def query_with(self, **changes: str | None) -> str:
        """Return the query of this request with changed parameters; None removes one."""
        changed = {**self.parameters, **changes}
        return query({name: value for name, value in changed.items() if value is not None})


def authorization_request(sent: Parameters, registrations: Registrations) -> AuthorizationRequest:
    """Return the request if it is valid.

    Raises RequestUnusable for a fault that is shown to the person, RequestRefused for one that is
    sent to the client.
    """
    client = _client(sent, registrations)
    redirect_uri = _redirect_uri(sent, client)
    parameters = {name: value for name, value in sent.values.items() if name in NAMES}
    state = parameters.get("state")
    if state is not None and len(state) > parameter_rules.MAX_OPAQUE:
        state = None
    destination = Destination(redirect_uri, parameter_rules.response_mode(parameters), state)
    try:
        return _checked(sent, parameters, client, destination, registrations)
    except Refusal as refusal:
        raise RequestRefused(destination, refusal) from None


def query(parameters: Mapping[str, str]) -> str:
    """Return parameters as a query."""
    return urlencode(parameters, quote_via=quote)


def _client(sent: Parameters, registrations: Registrations) -> Client:
    client_id = _single(sent, "client_id")
    client = registrations.clients.get(client_id)
    if client is None:
        raise RequestUnusable("No application is registered under this id.", "client_id", client_id)
    return client


def _redirect_uri(sent: Parameters, client: Client) -> str:
    """Return the redirect URI as sent; the client must send the same one to the token endpoint."""
    redirect_uri = _single(sent, "redirect_uri")
    if not is_registered(redirect_uri, client.redirect_uris, any_loopback_port=client.is_public):
        raise RequestUnusable(
            "This address is not registered for the application.", "redirect_uri", redirect_uri
        )
    return redirect_uri


def _single(sent: Parameters, name: str) -> str:
    if name in sent.repeated:
        raise RequestUnusable("This parameter is sent more than once.", name)
    if name in sent.malformed:
        raise RequestUnusable("This parameter is not valid UTF-8 text.", name)
    if name not in sent.values:
        raise RequestUnusable("This parameter is missing.", name)
    return sent.values[name]


def _checked(
    sent: Parameters,
    parameters: Mapping[str, str],
    client: Client,
    destination: Destination,
    registrations: Registrations,
) -> AuthorizationRequest:
    if several_resources(sent.repeated & NAMES):
        raise Refusal("invalid_target", SEVERAL)
    if sent.repeated & NAMES:
        names = ", ".join(sorted(sent.repeated & NAMES))
        raise Refusal("invalid_request", f"These parameters are sent more than once: {names}.")
    if sent.malformed:
        raise Refusal(
            "invalid_request", "A parameter is not valid UTF-8 text without control characters."
        )
    parameter_rules.refuse_unsupported(parameters)
    response_type = parameter_rules.response_type(parameters, client)
    parameter_rules.refuse_response_mode(parameters)
    granted = permissions(
        parameters, client, registrations, with_id_token="id_token" in response_type
    )
    parameter_rules.refuse_long_values(parameters)
    return AuthorizationRequest(
        client,
        destination,
        response_type,
        granted,
        parameter_rules.nonce(parameters, response_type),
        parameter_rules.code_challenge(parameters, client),
        parameter_rules.prompts(parameters),
        parameter_rules.max_age(parameters),
        parameters,
    )
