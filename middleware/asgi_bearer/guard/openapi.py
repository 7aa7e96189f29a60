"""What an OpenAPI document says about the guard: how to get a token, and each refusal.

The functions change a document that a framework has made. Changing it twice changes nothing more.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

Json = MutableMapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_SCHEMA: Final = "AccessTokenProblem"

_PROBLEM: Final = {
    "type": "object",
    "title": "Access token problem",
    "description": "Why a request was refused (RFC 9457).",
    "properties": {
        "type": {"type": "string", "format": "uri-reference"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "error": {"type": "string", "description": "The error code of RFC 6750, if there is one."},
    },
    "required": ["type", "title", "status", "detail"],
}

_CHALLENGE: Final = {
    "WWW-Authenticate": {
        "description": "The challenge (RFC 6750).",
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Final = {
    "Retry-After": {
        "description": "Seconds after which the client may try again.",
        "schema": {"type": "integer"},
    }
}

_REFUSALS: Final = {
    "400": ("The Authorization header is malformed.", _CHALLENGE),
    "401": ("There is no access token, or it is not valid.", _CHALLENGE),
    "403": ("The access token does not permit this request.", _CHALLENGE),
    "503": ("The access token cannot be verified at the moment.", _RETRY_AFTER),
}


@dataclass(frozen=True, slots=True)
class Schemes:
    """The security schemes of one verifier in a document.

    Attributes:
        bearer: name of the scheme that the framework has written into each operation.
        optional: name of its scheme for operations that need no token; it is replaced by `bearer`.
        sign_in: name of the scheme that says where a token comes from.
        sign_in_object: that scheme; None if it is not known where a token comes from.
    """

    bearer: str
    optional: str
    sign_in: str
    sign_in_object: Mapping[str, Any] | None


def oauth2(authorization_url: str, token_url: str, scopes: Mapping[str, str]) -> Json:
    """Return the scheme of the authorization code grant; without scopes, `describe` adds them."""
    flow = {"authorizationUrl": authorization_url, "tokenUrl": token_url, "scopes": dict(scopes)}
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}


def openid_connect(url: str) -> Json:
    """Return the scheme of an issuer whose OpenID Connect metadata is at `url`."""
    return {"type": "openIdConnect", "openIdConnectUrl": url}


def describe(document: Json, schemes: Schemes) -> None:
    """Add to each protected operation how to get a token, and the refusals."""
    used: dict[str, None] = {}
    is_protected = False
    for operation in _operations(document):
        if (scopes := _describe_security(operation, schemes)) is None:
            continue
        is_protected = True
        used |= dict.fromkeys(scopes)
        responses = operation.setdefault("responses", {})
        for status in _REFUSALS:
            responses.setdefault(status, {"$ref": f"#/components/responses/{_name(status)}"})
    if is_protected:
        _add_components(document.setdefault("components", {}), schemes, used)


def _operations(document: Json) -> Iterable[Json]:
    for item in document.get("paths", {}).values():
        yield from (item[method] for method in _METHODS if method in item)


def _describe_security(operation: Json, schemes: Schemes) -> list[str] | None:
    """Return the scopes that an operation needs, or None if it is not protected."""
    ours = {schemes.bearer, schemes.optional, schemes.sign_in}
    requirements: list[dict[str, list[str]]] = operation.get("security", [])
    found = [need for need in requirements if len(need) == 1 and not ours.isdisjoint(need)]
    if not found:
        return None
    scopes = list(
        dict.fromkeys(name for need in found for names in need.values() for name in names)
    )
    others = [need for need in requirements if need not in found]
    if not any(schemes.bearer in need for need in found):
        others.append({})
    alternatives = [schemes.bearer] + ([schemes.sign_in] if schemes.sign_in_object else [])
    operation["security"] = [*({name: scopes} for name in alternatives), *others]
    return scopes


def _add_components(components: Json, schemes: Schemes, scopes: Iterable[str]) -> None:
    securities = components.setdefault("securitySchemes", {})
    optional = securities.pop(schemes.optional, None)
    securities.setdefault(schemes.bearer, optional)
    if schemes.sign_in_object:
        securities[schemes.sign_in] = _with_scopes(schemes.sign_in_object, scopes)
    components.setdefault("schemas", {})[_SCHEMA] = _PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": f"#/components/schemas/{_SCHEMA}"}}}
    components.setdefault("responses", {}).update(
        {
            _name(status): {"description": text, "headers": headers, "content": content}
            for status, (text, headers) in _REFUSALS.items()
        }
    )


def _with_scopes(scheme: Mapping[str, Any], scopes: Iterable[str]) -> Mapping[str, Any]:
    if scheme["type"] != "oauth2" or (code := scheme["flows"]["authorizationCode"])["scopes"]:
        return scheme
    # Swagger UI requests only scopes that the scheme lists.
    listed = {**code, "scopes": dict.fromkeys(scopes, "")}
    return {**scheme, "flows": {"authorizationCode": listed}}


def _name(status: str) -> str:
    return f"AccessToken{status}"
