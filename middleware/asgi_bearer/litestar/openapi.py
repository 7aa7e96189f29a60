"""What the OpenAPI documentation of Litestar says about a guarded route."""

from collections.abc import Iterable
from http import HTTPStatus
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

from asgi_bearer.litestar.guards import ScopesGuard

_SCHEME: Final = "bearer"
"""The name of the security scheme."""

_REFUSALS: Final = {
    400: "The Authorization header is malformed.",
    401: "There is no access token, or it is not valid.",
    403: "The access token does not permit this request.",
    503: "The access token cannot be verified at the moment.",
}


def components(scheme: SecurityScheme) -> Components:
    """Return the security scheme and the responses of the guard."""
    responses = {_name(status): _response(status) for status in _REFUSALS}
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
        references = {str(status): _reference(status) for status in _REFUSALS}
        self.responses = {**references, **(self.responses or {})}

    return cast("type[Operation]", type(base.__name__, (base,), {"__init__": init}))


def _name(status: int) -> str:
    return f"AccessToken{status}"


def _reference(status: int) -> Reference:
    return Reference(ref=f"#/components/responses/{_name(status)}")


def _response(status: int) -> OpenAPIResponse:
    string = Schema(type=OpenAPIType.STRING)
    members = {"type": string, "title": string, "detail": string, "error": string}
    problem = Schema(
        type=OpenAPIType.OBJECT,
        properties={**members, "status": Schema(type=OpenAPIType.INTEGER)},
        required=["type", "title", "status", "detail"],
    )
    header = "Retry-After" if status == HTTPStatus.SERVICE_UNAVAILABLE else "WWW-Authenticate"
    return OpenAPIResponse(
        description=_REFUSALS[status],
        headers={name: OpenAPIHeader(schema=string) for name in (header, "Cache-Control")},
        content={"application/problem+json": OpenAPIMediaType(schema=problem)},
    )
