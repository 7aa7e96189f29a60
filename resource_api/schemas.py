"""The JSON Schemas of what the API takes and answers, for its OpenAPI document."""

from typing import Final, get_args

from asgi_bearer.keys import KeySetState
from resource_api.contacts.model import ContactFields

Json = dict[str, object]

TEXT: Final[Json] = {"type": "string"}
_OPTIONAL: Final[Json] = {"type": ["string", "null"]}
_MOMENT: Final[Json] = {"type": "string", "format": "date-time"}

SCHEMAS: Final[Json] = {
    "ContactFields": ContactFields.model_json_schema(),
    "Contact": {
        "type": "object",
        "additionalProperties": False,
        "required": ["id", "name", "email", "phone", "note", "created_at", "updated_at"],
        "properties": {
            "id": {"type": "string", "format": "uuid"},
            "name": TEXT,
            "email": _OPTIONAL,
            "phone": _OPTIONAL,
            "note": _OPTIONAL,
            "created_at": _MOMENT,
            "updated_at": _MOMENT,
        },
    },
    "ContactPage": {
        "type": "object",
        "additionalProperties": False,
        "required": ["contacts", "next_cursor"],
        "properties": {
            "contacts": {"type": "array", "items": {"$ref": "#/components/schemas/Contact"}},
            "next_cursor": _OPTIONAL,
        },
    },
    "Health": {
        "type": "object",
        "additionalProperties": False,
        "required": ["status"],
        "properties": {"status": {"const": "ok"}},
    },
    "Readiness": {
        "type": "object",
        "additionalProperties": False,
        "required": ["status", "database", "keys"],
        "properties": {
            "status": {
                "enum": ["ok", "degraded"],
                "description": "degraded: ready, and the keys are stale.",
            },
            "database": {"const": "ok"},
            "keys": {"$ref": "#/components/schemas/Keys"},
        },
    },
    "Keys": {
        "type": "object",
        "additionalProperties": False,
        "required": ["state", "age", "serves", "next_attempt"],
        "properties": {
            "state": {"enum": list(get_args(KeySetState))},
            "age": {
                "type": ["number", "null"],
                "description": "Seconds since they were fetched.",
            },
            "serves": {
                "type": "number",
                "description": "Seconds that they will still serve while the issuer is down.",
            },
            "next_attempt": {
                "type": "number",
                "description": "Seconds until a request causes the next attempt to fetch them.",
            },
        },
    },
    "Problem": {
        "type": "object",
        "description": "RFC 9457; error is an RFC 6750 error code.",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string", "format": "uri-reference"},
            "title": TEXT,
            "status": {"type": "integer"},
            "detail": TEXT,
            "error": TEXT,
            "keys": {"$ref": "#/components/schemas/Keys"},
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["pointer", "detail"],
                    "properties": {
                        "pointer": {"type": "string", "format": "json-pointer"},
                        "detail": TEXT,
                    },
                },
            },
        },
    },
}
