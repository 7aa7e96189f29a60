"""What an OpenAPI document says about the guard: how to get a token, and each refusal.

`describe` changes a document that a framework has made. Changing it twice changes nothing more.
Frameworks that make their documents from objects of their own read `REFUSALS` and `PROBLEM`.
"""

from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from asgi_bearer.jwt.verifier import JWTVerifier, Verifier

Json = MutableMapping[str, Any]

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")

_SCHEMA: Final = "AccessTokenProblem"

PROBLEM: Final[Mapping[str, Any]] = {
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
"""The schema of the body of a refusal."""

MEDIA_TYPE: Final = "application/problem+json"
"""The media type of that body."""


class Header(NamedTuple):
    """A header of a refusal: its name, what it says, and the type of its value."""

    name: str
    description: str
    type: str

    def described(self) -> Json:
        """Return the header in OpenAPI."""
        return {"description": self.description, "schema": {"type": self.type}}


_CHALLENGE: Final = Header("WWW-Authenticate", "The challenge (RFC 6750).", "string")
_RETRY_AFTER: Final = Header(
    "Retry-After", "Seconds after which the client may try again.", "integer"
)
_NO_STORE: Final = Header("Cache-Control", "`no-store`: no cache may keep it.", "string")

REFUSALS: Final[Mapping[str, tuple[str, tuple[Header, ...]]]] = {
    "400": ("The Authorization header is malformed.", (_CHALLENGE, _NO_STORE)),
    "401": ("There is no access token, or it is not valid.", (_CHALLENGE, _NO_STORE)),
    "403": ("The access token does not permit this request.", (_CHALLENGE, _NO_STORE)),
    "503": ("The access token cannot be verified at the moment.", (_RETRY_AFTER, _NO_STORE)),
}
"""By status: the description of the refusal, and its headers."""


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


def responses(schema: Mapping[str, Any] = PROBLEM) -> dict[str, Json]:
    """Return each refusal as a response in OpenAPI, by status.

    Arguments:
        schema: the schema of the body, or a reference to it.
    """
    content = {MEDIA_TYPE: {"schema": schema}}
    return {
        status: {
            "description": text,
            "headers": {header.name: header.described() for header in headers},
            "content": content,
        }
        for status, (text, headers) in REFUSALS.items()
    }


def name(status: str) -> str:
    """Return the name of a refusal among the components of a document."""
    return f"AccessToken{status}"


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
        answers = operation.setdefault("responses", {})
        for status in REFUSALS:
            answers.setdefault(status, {"$ref": f"#/components/responses/{name(status)}"})
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
    components.setdefault("schemas", {})[_SCHEMA] = PROBLEM
    found = responses({"$ref": f"#/components/schemas/{_SCHEMA}"})
    components.setdefault("responses", {}).update(
        {name(status): response for status, response in found.items()}
    )


def _with_scopes(scheme: Mapping[str, Any], scopes: Iterable[str]) -> Mapping[str, Any]:
    if scheme["type"] != "oauth2" or (code := scheme["flows"]["authorizationCode"])["scopes"]:
        return scheme
    # Swagger UI requests only scopes that the scheme lists.
    listed = {**code, "scopes": dict.fromkeys(scopes, "")}
    return {**scheme, "flows": {"authorizationCode": listed}}


def sign_in(
    verifier: Verifier,
    authorization_url: str | None,
    token_url: str | None,
    scopes: Mapping[str, str],
) -> Mapping[str, Any] | None:
    """Return the scheme by which a page of documentation signs a user in, or None.

    It has the addresses that are given; without them, the metadata of the issuer, if the verifier
    discovers its keys.
    """
    if authorization_url is not None and token_url is not None:
        return oauth2(authorization_url, token_url, scopes)
    if isinstance(verifier, JWTVerifier) and (url := verifier.openid_configuration) is not None:
        return openid_connect(url)
    return None
