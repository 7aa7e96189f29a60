"""What tokens and /userinfo say about a user, by scope (OpenID Connect Core §5.4)."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from demo.authorization_server.registrations.model import User

CLAIMS_BY_SCOPE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "profile": (
            "name",
            "family_name",
            "given_name",
            "middle_name",
            "nickname",
            "preferred_username",
            "profile",
            "picture",
            "website",
            "gender",
            "birthdate",
            "zoneinfo",
            "locale",
            "updated_at",
        ),
        "email": ("email", "email_verified"),
        "address": ("address",),
        "phone": ("phone_number", "phone_number_verified"),
    }
)
"""The standard claims, each under the scope that releases it."""


def user_claims(user: User, scopes: Collection[str]) -> dict[str, object]:
    """Return the claims of the user that these scopes release."""
    released = {name for scope in scopes for name in CLAIMS_BY_SCOPE.get(scope, ())}
    released |= custom_claim_names(user).intersection(scopes)
    return {name: value for name, value in user.claims.items() if name in released}


def custom_claims(user: User, scopes: Collection[str]) -> dict[str, object]:
    """Return those claims alone that are not standard: what an access token may carry."""
    names = custom_claim_names(user).intersection(scopes)
    return {name: value for name, value in user.claims.items() if name in names}


def custom_claim_names(user: User) -> frozenset[str]:
    """Return the names of the user's own claims; each is also the scope that releases it.

    They are URLs, so that none can be taken for a claim that a standard defines, now or later.
    """
    return frozenset(name for name in user.claims if name.startswith(("http://", "https://")))
