"""An authorization request: parameters and registrations in, a request or a fault out; no I/O.

The order decides where a fault goes (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.2, §3.3.2.6):

- until the client and its registered redirect URI are known, a fault is shown to the person and
  never redirected, so that nobody can use this server to send people elsewhere (RFC 9700 §4.11);
- from then on every fault goes to that address, in the place where the answer would be.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from demo.authorization_server.authorize import parameter_rules
from demo.authorization_server.authorize.permissions import Permissions, permissions
from demo.authorization_server.authorize.refusals import (
    Refusal,
    RequestRefused,
    RequestUnusable,
)
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
"""The parameters that mean something here; all others are ignored (RFC 6749 §3.1)."""


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A request that can be answered, once somebody has signed in and consented.

    Arguments:
        code_challenge: of the method S256.
        prompts: what the client wants the person to be asked, or `none`.
        max_age: seconds since the sign-in, at most; None for any.
        given: the parameters that it was made of.
    """

    client: Client
    destination: Destination
    response_type: frozenset[str]
    permissions: Permissions
    nonce: str | None
    code_challenge: str | None
    prompts: frozenset[str]
    max_age: int | None
    given: Mapping[str, str]

    @property
    def client_is_certain(self) -> bool:
        """Whether nobody else can pass for the client: it has a secret, or an https address.

        Another program of the same machine can take a loopback port or a scheme of one's own, and
        would be given what was once consented to (RFC 6749 §10.2, RFC 8252 §8.6).
        """
        return not self.client.is_public or self.destination.redirect_uri.startswith("https:")

    @property
    def query(self) -> str:
        """The request as a query, for the pages to carry it: no state is kept for strangers."""
        return query(self.given)

    @property
    def digest(self) -> str:
        """What tells this request from every other: SHA-256 over its parameters."""
        return hashlib.sha256(query(dict(sorted(self.given.items()))).encode()).hexdigest()

    def query_with(self, **changes: str | None) -> str:
        """Return the query of this request with some parameters changed; None leaves one out."""
        changed = {**self.given, **changes}
        return query({name: value for name, value in changed.items() if value is not None})


def authorization_request(sent: Parameters, registrations: Registrations) -> AuthorizationRequest:
    """Judge a request.

    Raises RequestUnusable for a fault that is to be shown, RequestRefused for one that the client
    is to be told.
    """
    client = _client(sent, registrations)
    redirect_uri = _redirect_uri(sent, client)
    given = {name: value for name, value in sent.values.items() if name in NAMES}
    state = given.get("state")
    if state is not None and len(state) > parameter_rules.MAX_OPAQUE:
        state = None
    destination = Destination(redirect_uri, parameter_rules.place(given), state)
    try:
        return _judged(sent, given, client, destination, registrations)
    except Refusal as refusal:
        raise RequestRefused(destination, refusal) from None


def query(given: Mapping[str, str]) -> str:
    """Return parameters as a query."""
    return urlencode(given, quote_via=quote)


def _client(sent: Parameters, registrations: Registrations) -> Client:
    client_id = _single(sent, "client_id")
    client = registrations.clients.get(client_id)
    if client is None:
        raise RequestUnusable("No client with this id is registered.", "client_id", client_id)
    return client


def _redirect_uri(sent: Parameters, client: Client) -> str:
    """Return the redirect URI as it was sent: the token endpoint asks for the same again."""
    redirect_uri = _single(sent, "redirect_uri")
    if not is_registered(redirect_uri, client.redirect_uris, any_loopback_port=client.is_public):
        raise RequestUnusable(
            "This address is not registered for the client.", "redirect_uri", redirect_uri
        )
    return redirect_uri


def _single(sent: Parameters, name: str) -> str:
    if name in sent.repeated:
        raise RequestUnusable("This parameter is sent more than once.", name)
    if name in sent.malformed:
        raise RequestUnusable("This parameter is not proper text.", name)
    if name not in sent.values:
        raise RequestUnusable("This parameter is missing.", name)
    return sent.values[name]


def _judged(
    sent: Parameters,
    given: Mapping[str, str],
    client: Client,
    destination: Destination,
    registrations: Registrations,
) -> AuthorizationRequest:
    if several_resources(sent.repeated & NAMES):
        raise Refusal("invalid_target", SEVERAL)
    if sent.repeated & NAMES:
        names = ", ".join(sorted(sent.repeated & NAMES))
        raise Refusal("invalid_request", f"Sent more than once: {names}.")
    if sent.malformed:
        raise Refusal(
            "invalid_request", "A parameter is not UTF-8 text without control characters."
        )
    parameter_rules.refuse_unsupported(given)
    response_type = parameter_rules.response_type(given, client)
    parameter_rules.refuse_response_mode(given)
    granted = permissions(given, client, registrations, with_id_token="id_token" in response_type)
    parameter_rules.refuse_long_values(given)
    return AuthorizationRequest(
        client,
        destination,
        response_type,
        granted,
        parameter_rules.nonce(given, response_type),
        parameter_rules.code_challenge(given, client),
        parameter_rules.prompts(given),
        parameter_rules.max_age(given),
        given,
    )
