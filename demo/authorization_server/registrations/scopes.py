"""Scopes: the claims that each releases, and which names of a request count.

A custom claim has a URL as its name, and the scope of the same name releases it.
"""

import re
from collections.abc import Collection, Iterable

from demo.authorization_server.registrations.claims import CLAIMS_BY_SCOPE, STANDARD_SCOPES
from demo.authorization_server.registrations.model import Api, Registrations, User

_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")
"""The syntax of a `scope` parameter (RFC 6749 §3.3)."""


def user_claims(user: User, scopes: Collection[str]) -> dict[str, object]:
    """Return the user's claims that these scopes release in ID tokens and at /userinfo."""
    released = {name for scope in scopes for name in CLAIMS_BY_SCOPE.get(scope, ())}
    released |= custom_claim_names(user).intersection(scopes)
    return {name: value for name, value in user.claims.items() if name in released}


def custom_claims(user: User, scopes: Collection[str]) -> dict[str, object]:
    """Return the user's custom claims that these scopes release; access tokens carry only these."""
    names = custom_claim_names(user).intersection(scopes)
    return {name: value for name, value in user.claims.items() if name in names}


def custom_claim_names(user: User) -> frozenset[str]:
    """Return the names of the user's custom claims.

    They are URLs, so that none can be confused with a claim that a standard defines, now or later.
    """
    return frozenset(name for name in user.claims if name.startswith(("http://", "https://")))


def known_scopes(registrations: Registrations, apis: Iterable[Api]) -> frozenset[str]:
    """Return the standard scopes, the scopes of these APIs, and those of all custom claims."""
    custom = (custom_claim_names(user) for user in registrations.users.values())
    return frozenset(STANDARD_SCOPES).union(*(api.scopes for api in apis), *custom)


def recognised_scopes(scope: str, known: Collection[str]) -> tuple[str, ...]:
    """Return the known names of a `scope` parameter, in the order of the request, each once.

    Unknown names are ignored (OpenID Connect Core §3.1.2.1, RFC 6749 §3.3); the response then names
    the granted scopes. A malformed scope has no known names.
    """
    names = dict.fromkeys(scope.split(" ")) if _SCOPE.fullmatch(scope) else ()
    return tuple(name for name in names if name in known)
