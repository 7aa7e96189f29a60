"""The OpenAPI documentation of BlackSheep: the security scheme, scopes and refusals of each
handler."""

from collections.abc import Iterable
from itertools import chain, product
from typing import Any, cast

from blacksheep import Application
from blacksheep.server.openapi.v3 import OpenAPIHandler, SecuritySchemeHandler
from guardpost import AuthenticationHandler, AuthorizationStrategy

# The package has no types.
from openapidocs.v3 import (  # type: ignore[import-untyped]  # pyright: ignore[reportMissingTypeStubs] - it has no types
    Header,
    HTTPSecurity,
    MediaType,
    OpenAPI,
    Reference,
    Response,
    Schema,
    SecurityRequirement,
    SecurityScheme,
    ValueType,
)

from asgi_bearer.blacksheep.authentication import SCHEME, BearerAuthentication
from asgi_bearer.blacksheep.policies import ScopesRequirement
from asgi_bearer.guard.openapi import MEDIA_TYPE, PROBLEM, REFUSALS


class BearerOpenAPIHandler(OpenAPIHandler):
    """Documents an application after `use_bearer`.

    A security scheme in `security_schemes` under the name `Bearer` replaces the default one, which
    asks for a token.
    """

    _policies: AuthorizationStrategy | None = None

    def generate_documentation(self, app: Application) -> OpenAPI:
        """Return the documentation of `app`."""
        self._policies = app.authorization_strategy
        self.security_schemes_handlers.append(_BearerSecurity())
        return super().generate_documentation(app)

    def get_handler_security(self, handler: Any) -> list[SecurityRequirement | None]:
        """Return the alternatives: each is one way to have the scopes that the handler needs."""
        # Its annotation does not say that it may be None.
        security = cast(
            "list[SecurityRequirement | None] | None", super().get_handler_security(handler)
        )
        if security is not None:
            return security
        return [SecurityRequirement(SCHEME, list(names)) for names in self._alternatives(handler)]

    def get_responses(self, handler: Any) -> dict[str, Response | None]:
        """Return the responses of the handler, and those of the guard if it needs a token."""
        responses = super().get_responses(handler) or {}
        if getattr(handler, "allow_anonymous", False):
            return responses
        return {**{status: _response(status) for status in REFUSALS}, **responses}

    def _alternatives(self, handler: Any) -> list[tuple[str, ...]]:
        name = getattr(handler, "auth_policy", None)
        policy = self._policies.get_policy(name) if self._policies and name else None
        requirements: list[object] = list(policy.requirements) if policy else []
        choices = [
            [(name,) for name in requirement.needed] if requirement.any_of else [requirement.needed]
            for requirement in requirements
            if isinstance(requirement, ScopesRequirement)
        ]
        return [tuple(dict.fromkeys(chain(*choice))) for choice in product(*choices)]


class _BearerSecurity(SecuritySchemeHandler):
    """Tells BlackSheep the security scheme of `BearerAuthentication`."""

    def get_security_schemes(
        self, handler: AuthenticationHandler
    ) -> Iterable[tuple[str, SecurityScheme, SecurityRequirement]]:
        if isinstance(handler, BearerAuthentication):
            scheme = HTTPSecurity(scheme="bearer", bearer_format="JWT")
            yield SCHEME, scheme, SecurityRequirement(SCHEME, [])


def _response(status: str) -> Response:
    text, headers = REFUSALS[status]
    members: dict[str, Schema | Reference] = {
        name: Schema(type=ValueType(member["type"]))
        for name, member in PROBLEM["properties"].items()
    }
    problem = Schema(type=ValueType.OBJECT, properties=members, required=PROBLEM["required"])
    return Response(
        description=text,
        headers={
            header.name: Header(
                description=header.description, schema=Schema(type=ValueType(header.type))
            )
            for header in headers
        },
        content={MEDIA_TYPE: MediaType(schema=problem)},
    )
