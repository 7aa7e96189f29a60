"""What the OpenAPI documentation of Litestar says about a guarded route."""

from collections.abc import Iterable
from itertools import chain, product
from typing import Any, Final, cast

from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    OpenAPIType,
    Operation,
    Reference,
    Schema,
    SecurityRequirement,
    SecurityScheme,
)

from asgi_bearer.guard.openapi import MEDIA_TYPE, PROBLEM, REFUSALS, name
from asgi_bearer.litestar.guards import ScopesGuard

_SCHEME: Final = "bearer"
"""The name of the security scheme."""

_MEMBERS: Final = {
    name: Schema(type=OpenAPIType(member["type"])) for name, member in PROBLEM["properties"].items()
}


def components(scheme: SecurityScheme) -> Components:
    """Return the security scheme and the responses of the guard."""
    responses = {name(status): _response(status) for status in REFUSALS}
    return Components(security_schemes={_SCHEME: scheme}, responses=cast("Any", responses))


def requirements(
    needed: tuple[str, ...], guards: Iterable[ScopesGuard]
) -> list[SecurityRequirement]:
    """Return the alternatives: each is one way to have all the scopes that are needed.

    Arguments:
        needed: the scopes that every request needs.
        guards: the guards of the handler.
    """
    choices = [
        [(name,) for name in guard.needed] if guard.any_of else [guard.needed] for guard in guards
    ]
    return [{_SCHEME: list(dict.fromkeys(chain(needed, *choice)))} for choice in product(*choices)]


def guarded(base: type[Operation], security: list[SecurityRequirement]) -> type[Operation]:
    """Return a class of operations with the refusals, and `security` unless the handler has its
    own."""

    # The base may be any dataclass, and only those with a `__post_init__` call one.
    def init(self: Operation, *args: Any, **members: Any) -> None:
        base.__init__(self, *args, **members)
        self.security = self.security or security
        references = {
            status: Reference(ref=f"#/components/responses/{name(status)}") for status in REFUSALS
        }
        self.responses = {**references, **(self.responses or {})}

    return cast("type[Operation]", type(base.__name__, (base,), {"__init__": init}))


def _response(status: str) -> OpenAPIResponse:
    text, headers = REFUSALS[status]
    problem = Schema(
        type=OpenAPIType.OBJECT, properties=dict(_MEMBERS), required=PROBLEM["required"]
    )
    return OpenAPIResponse(
        description=text,
        headers={
            header.name: OpenAPIHeader(
                description=header.description, schema=Schema(type=OpenAPIType(header.type))
            )
            for header in headers
        },
        content={MEDIA_TYPE: OpenAPIMediaType(schema=problem)},
    )
