"""What an authorization request asks for: an API and scopes, and what of it can be granted."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from demo.authorization_server.authorize.refusals import Refusal
from demo.authorization_server.registrations.model import (
    STANDARD_SCOPES,
    Api,
    Client,
    Registrations,
)
from demo.authorization_server.registrations.scopes import custom_claim_names
from demo.authorization_server.requests.resource_indicators import TargetInvalid, target_api

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""RFC 6749 §3.3."""


@dataclass(frozen=True, slots=True)
class Permissions:
    """What can be granted to a client.

    Arguments:
        api: None where no audience was asked for: the tokens are good at /userinfo only.
        scopes: in the order asked, each once.
        as_asked: whether these are the scopes that the client asked for.
    """

    api: Api | None
    scopes: tuple[str, ...]
    as_asked: bool

    @property
    def audience(self) -> str | None:
        """The identifier of the API."""
        return None if self.api is None else self.api.identifier

    def described(self) -> Mapping[str, str]:
        """Return the scopes with their descriptions; a custom claim has none but its name."""
        texts = {**STANDARD_SCOPES, **(self.api.scopes if self.api else {})}
        return {
            name: texts.get(name, "See what is kept about you under this name")
            for name in self.scopes
        }


def known_scopes(registrations: Registrations, apis: Iterable[Api]) -> frozenset[str]:
    """Return the scopes that mean something at these APIs, or about a user."""
    own_claims = (custom_claim_names(user) for user in registrations.users.values())
    return frozenset(STANDARD_SCOPES).union(*(api.scopes for api in apis), *own_claims)


def understood(scope: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the known names in a `scope` parameter, in the order asked, each once.

    A name that nobody knows is left out (OpenID Connect Core §3.1.2.1, RFC 6749 §3.3); the answer
    then says what was granted. Nothing is understood of a scope that is not well-formed.
    """
    names = dict.fromkeys(scope.split(" ")) if _SCOPE.fullmatch(scope) else ()
    return tuple(name for name in names if name in known)


def permissions(
    given: Mapping[str, str],
    client: Client,
    registrations: Registrations,
    *,
    with_id_token: bool,
) -> Permissions:
    """Return what may be granted of the API and the `scope` that a request names.

    An ID token that is asked for by the response type counts as asking for `openid`.
    `offline_access` is dropped where it can give no refresh token (OpenID Connect Core §11), and
    a scope that nobody knows always is.

    Raises Refusal: invalid_scope for a scope that is missing, not well-formed, of another API, or
    of which nothing is left; invalid_target for an API that `target_api` refuses.
    """
    scope = given.get("scope", "")
    asked = understood(scope, known_scopes(registrations, registrations.apis.values()))
    if not asked:
        raise Refusal(
            "invalid_scope",
            "scope must be a list of names with single spaces between, one of them known here.",
        )
    try:
        api = target_api(given, registrations)
    except TargetInvalid as fault:
        raise Refusal("invalid_target", str(fault)) from None
    if not known_scopes(registrations, [api] if api else []).issuperset(asked):
        raise Refusal("invalid_scope", "scope has a name that is not known for this audience.")
    wanted = ("openid", *asked) if with_id_token and "openid" not in asked else asked
    granted = tuple(
        name for name in wanted if name != "offline_access" or _refreshable(client, api)
    )
    if not granted:
        raise Refusal(
            "invalid_scope", "offline_access is not to be had here, and all that is asked."
        )
    return Permissions(api, granted, as_asked=set(granted) == set(scope.split(" ")))


def _refreshable(client: Client, api: Api | None) -> bool:
    return api is not None and api.allow_offline_access and "refresh_token" in client.grant_types
