"""The JSON Schemas of what the API takes and answers, for its OpenAPI document."""

from typing import Final

from resource_api.contacts import ContactFields

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
            "status": {"const": "ok"},
            "database": {"const": "ok"},
            "keys": {
                "type": "object",
                "additionalProperties": False,
                "required": ["state", "age"],
                "properties": {
                    "state": {"enum": ["fresh", "stale"]},
                    "age": {"type": "number", "description": "Seconds since they were fetched."},
                },
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
