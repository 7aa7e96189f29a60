"""The API and scopes that an authorization request asks for, and which of them can be granted."""

from collections.abc import Mapping
from dataclasses import dataclass

from demo.authorization_server.authorize.refusals import Refusal
from demo.authorization_server.registrations.claims import STANDARD_SCOPES
from demo.authorization_server.registrations.model import Api, Client, Registrations
from demo.authorization_server.registrations.scopes import known_scopes, recognised_scopes
from demo.authorization_server.requests.resource_indicators import TargetInvalid, requested_api


@dataclass(frozen=True, slots=True)
class Permissions:
    """What can be granted to a client.

    Arguments:
        api: None if the request names no API; the tokens are then for /userinfo only.
        scopes: in the order of the request, each once.
        as_requested: whether these are exactly the scopes that the client asked for.
    """

    api: Api | None
    scopes: tuple[str, ...]
    as_requested: bool

    @property
    def audience(self) -> str | None:
        """The identifier of the API."""
        return None if self.api is None else self.api.identifier

    def descriptions(self) -> Mapping[str, str]:
        """Return the scopes with their texts for the consent page."""
        texts = {**STANDARD_SCOPES, **(self.api.scopes if self.api else {})}
        # A custom claim has no text of its own.
        return {
            name: texts.get(name, "See what is stored about you under this name")
            for name in self.scopes
        }


def permissions(
    parameters: Mapping[str, str],
    client: Client,
    registrations: Registrations,
    *,
    with_id_token: bool,
) -> Permissions:
    """Return what can be granted of the API and the `scope` that a request names.

    If the response type contains an ID token, `openid` counts as requested. `offline_access` is
    dropped where it cannot give a refresh token (OpenID Connect Core §11). Unknown scopes are
    dropped.

    Raises Refusal: `invalid_scope` if the scope is missing, malformed or of another API, or if
    nothing of it is left; `invalid_target` if `requested_api` refuses the API.
    """
    scope = parameters.get("scope", "")
    requested = recognised_scopes(scope, known_scopes(registrations, registrations.apis.values()))
    if not requested:
        raise Refusal(
            "invalid_scope",
            "scope must be a list of names, separated by single spaces, with at least one "
            "name that this server knows.",
        )
    try:
        api = requested_api(parameters, registrations)
    except TargetInvalid as fault:
        raise Refusal("invalid_target", str(fault)) from None
    if not known_scopes(registrations, [api] if api else []).issuperset(requested):
        raise Refusal("invalid_scope", "scope has a name that does not belong to this audience.")
    if with_id_token and "openid" not in requested:
        requested = ("openid", *requested)
    granted = tuple(
        name for name in requested if name != "offline_access" or client.may_refresh(api)
    )
    if not granted:
        raise Refusal(
            "invalid_scope", "scope has only offline_access, which cannot be granted here."
        )
    return Permissions(api, granted, as_requested=set(granted) == set(scope.split(" ")))
