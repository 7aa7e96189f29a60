"""The OpenAPI 3.1 document of this API.

pydantic makes the schemas from the types that the code uses. The operations are written out here;
a test compares them with the routes and with the answers.
"""

from importlib.metadata import version
from typing import Annotated, Final, NotRequired

from pydantic import Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from resource_api.contacts.endpoints import READ, WRITE, ContactPage
from resource_api.contacts.model import ContactFields
from resource_api.contacts.paging import DEFAULT_LIMIT, MAX_LIMIT
from resource_api.probes import Health, Keys, Readiness
from resource_api.settings import Settings
from resource_api.web.bodies import MAX_BODY

Json = dict[str, object]


@with_config(extra="forbid", use_attribute_docstrings=True)
class Fault(TypedDict):
    """One fault of a request's body."""

    pointer: Annotated[str, Field(json_schema_extra={"format": "json-pointer"})]
    """Where it is (RFC 6901)."""
    detail: str


@with_config(use_attribute_docstrings=True)
class Problem(TypedDict):
    """Why a request was refused (RFC 9457)."""

    type: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]
    title: str
    status: int
    detail: str
    error: NotRequired[str]
    """The error code of RFC 6750, if the access token is the reason."""
    keys: NotRequired[Keys]
    errors: NotRequired[list[Fault]]


_, _DEFINITIONS = TypeAdapter.json_schemas(
    [
        (model.__name__, "validation", TypeAdapter(model))
        for model in (ContactFields, ContactPage, Health, Readiness, Problem)
    ],
    ref_template="#/components/schemas/{model}",
)

_TEXT: Final[Json] = {"type": "string"}
_ETAG: Final[Json] = {"ETag": {"schema": _TEXT}}
_LOCATION: Final[Json] = {"Location": {"schema": {"type": "string", "format": "uri-reference"}}}
_LINK: Final[Json] = {"Link": {"schema": _TEXT, "description": 'rel="next"; relative.'}}

_ID: Final[Json] = {"name": "contact_id", "in": "path", "required": True, "schema": _TEXT}
_IF_MATCH: Final[Json] = {"name": "If-Match", "in": "header", "schema": _TEXT}
_IF_NONE_MATCH: Final[Json] = {"name": "If-None-Match", "in": "header", "schema": _TEXT}
_LIMIT: Final[Json] = {
    "name": "limit",
    "in": "query",
    "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
}
_CURSOR: Final[Json] = {
    "name": "cursor",
    "in": "query",
    "description": "The next_cursor of an earlier answer.",
    "schema": _TEXT,
}

_BODY: Final[Json] = {
    "required": True,
    "description": f"At most {MAX_BODY} bytes.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ContactFields"}}},
}

_GUARDED: Final = (400, 401, 403, 503)
_BODY_REFUSALS: Final = (408, 413, 415, 422)


def document(settings: Settings) -> Json:
    """Return the document for one deployment; it names the issuer and the audience."""
    audience = " or ".join(settings.audience)
    schemes: Json = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": f"Access token of {settings.issuer} for {audience}. "
            f"{READ} reads contacts, {WRITE} changes them.",
        }
    }
    if settings.jwks_uri is None:
        # Without discovery, the issuer may have no metadata document.
        schemes["openid"] = {
            "type": "openIdConnect",
            "openIdConnectUrl": settings.issuer.rstrip("/") + "/.well-known/openid-configuration",
        }
    return {
        "openapi": "3.1.1",
        "info": {"title": "Contacts", "version": version("asgi-bearer")},
        "paths": _paths(list(schemes)),
        "components": {"schemas": _DEFINITIONS["$defs"], "securitySchemes": schemes},
    }


def _paths(schemes: list[str]) -> Json:
    def guarded(
        identifier: str, scope: str, answers: Json, *refusals: int, **members: object
    ) -> Json:
        problems = {str(status): _PROBLEM for status in sorted({*_GUARDED, *refusals})}
        return {
            "operationId": identifier,
            "security": [{scheme: [scope]} for scheme in schemes],
            **members,
            "responses": {**answers, **problems},
        }

    page = _answer("The caller's contacts.", "ContactPage", **_LINK)
    created = _answer("The contact.", "Contact", **_ETAG, **_LOCATION)
    contact = _answer("The contact.", "Contact", **_ETAG)
    unchanged = {"description": "Not modified.", "headers": _ETAG}
    deleted = {"description": "Deleted."}
    body = {"requestBody": _BODY}
    if_match = {"parameters": [_IF_MATCH]}
    if_none_match = {"parameters": [_IF_NONE_MATCH]}
    listing = guarded("listContacts", READ, {"200": page}, parameters=[_LIMIT, _CURSOR])
    create = guarded("createContact", WRITE, {"201": created}, *_BODY_REFUSALS, **body)
    read = guarded("readContact", READ, {"200": contact, "304": unchanged}, 404, **if_none_match)
    replace = guarded(
        "replaceContact", WRITE, {"200": contact}, *_BODY_REFUSALS, 404, 412, **if_match, **body
    )
    delete = guarded("deleteContact", WRITE, {"204": deleted}, 404, 412, **if_match)
    ready = _answer("The process can serve requests.", "Readiness")
    content = {"application/json": {"schema": {"type": "object"}}}
    this = {"description": "This document.", "content": content}
    return {
        "/contacts": {"get": listing, "post": create},
        "/contacts/{contact_id}": {
            "parameters": [_ID],
            "get": read,
            "put": replace,
            "delete": delete,
        },
        "/healthz": {"get": _open("health", {"200": _answer("The process runs.", "Health")})},
        "/readyz": {"get": _open("readiness", {"200": ready, "503": _PROBLEM})},
        "/openapi.json": {"get": _open("describe", {"200": this})},
    }


_PROBLEM: Final[Json] = {
    "description": "A problem.",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def _answer(description: str, schema: str, **headers: object) -> Json:
    content: Json = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    answer: Json = {"description": description, "content": {"application/json": content}}
    return {**answer, "headers": headers} if headers else answer


def _open(identifier: str, responses: Json) -> Json:
    return {"operationId": identifier, "security": [], "responses": responses}
