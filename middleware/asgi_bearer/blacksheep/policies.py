"""Policies of BlackSheep that ask for scopes, and the refusal that they raise."""

from collections.abc import Sequence
from typing import Any

from guardpost import (
    AuthorizationContext,
    AuthorizationStrategy,
    Identity,
    Policy,
    Requirement,
    UnauthorizedError,
)
from guardpost.common import AuthenticatedRequirement

from asgi_bearer.blacksheep.authentication import BearerUser, scope_of
from asgi_bearer.errors import (
    AccessTokenError,
    CredentialsMissing,
    InsufficientScope,
    NotPermittedError,
)
from asgi_bearer.guard import endpoints
from asgi_bearer.guard.connection import REALM_KEY
from asgi_bearer.scopes import checked_scopes, missing_scopes_reason


class ScopesRequirement(Requirement):
    """The access token must have the scopes; for policies of your own.

    Arguments:
        scopes: the names of the scopes.
        any_of: one of them is enough.

    Raises:
        ValueError: a name is not a scope name, or there is none.
    """

    def __init__(self, *scopes: str, any_of: bool = False) -> None:
        self.needed = checked_scopes(scopes)
        self.any_of = any_of
        if not self.needed:
            raise ValueError("ScopesRequirement needs at least one scope")

    async def handle(self, context: AuthorizationContext) -> None:
        """Fulfil the requirement if the user has the scopes."""
        granted = _granted(context.identity)
        if granted >= set(self.needed) or (self.any_of and not granted.isdisjoint(self.needed)):
            context.succeed(self)


class ScopePolicies(AuthorizationStrategy):
    """Policies by the name of a scope, or of several with spaces between them.

    A policy that was added under the same name comes first.
    """

    def __init__(self, *policies: Policy, realm: str) -> None:
        super().__init__(
            Policy("authenticated", AuthenticatedRequirement()),
            *policies,
            default_policy=Policy("default", AuthenticatedRequirement()),
        )
        self._realm = realm

    def get_policy(self, name: str) -> Policy | None:
        """Return a policy that was added, or the one for the scopes in `name`.

        Raises:
            ValueError: `name` is neither.
        """
        policy = super().get_policy(name)
        return Policy(name, ScopesRequirement(*name.split(" "))) if policy is None else policy

    async def authorize(
        self,
        policy_name: str | None,
        identity: Identity,
        scope: Any = None,
        roles: Sequence[str] | None = None,
    ) -> None:
        """Return if the policy is fulfilled.

        Arguments:
            scope: the request.

        Raises:
            Refused: it is not.
        """
        try:
            await super().authorize(policy_name, identity, scope, roles)
            return
        except UnauthorizedError as err:
            refusal = _refusal(identity, err)
        asgi_scope = scope_of(scope)
        endpoints.refuse(asgi_scope, refusal)
        raise Refused(refusal, str(asgi_scope.get(REALM_KEY, self._realm)))


class Refused(UnauthorizedError):
    """A policy refuses the request.

    Attributes:
        refusal: the reason.
        realm: the realm in the challenge.
    """

    def __init__(self, refusal: AccessTokenError, realm: str) -> None:
        super().__init__(refusal.sentence, [])
        self.refusal = refusal
        self.realm = realm


def _refusal(identity: Identity | None, err: UnauthorizedError) -> AccessTokenError:
    if isinstance(identity, BearerUser) and identity.refusal is not None:
        return identity.refusal
    if identity is None or not identity.is_authenticated():
        return CredentialsMissing("the handler needs an access token")
    for failed in err.failed_requirements:
        if isinstance(failed, ScopesRequirement):
            reason = missing_scopes_reason(failed.needed, _granted(identity), any_of=failed.any_of)
            return InsufficientScope(failed.needed, reason)
    return NotPermittedError(str(err))


def _granted(identity: Identity | None) -> frozenset[str]:
    user = identity.principal if isinstance(identity, BearerUser) else None
    return frozenset() if user is None else user.scopes
