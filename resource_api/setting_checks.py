"""The check of each setting: a function that returns the value, or raises what is wrong with it."""

import importlib.util
import re
from ipaddress import IPv6Address
from urllib.parse import unquote

from pydantic import TypeAdapter, ValidationError, ValidationInfo
from pydantic_core import PydanticCustomError
from sqlalchemy import URL
from sqlalchemy.exc import ArgumentError

from asgi_bearer import ALGORITHMS
from asgi_bearer.jose import rsa_default
from asgi_bearer.keys import address_fault, allow_http_faults, issuer_fault, shown_address
from resource_api.database.connect import async_url
from resource_api.database.postgres_options import option_fault

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?"
_ORIGIN = re.compile(
    rf"(?P<scheme>https?)://(?:{_LABEL}(?:\.{_LABEL})*\.?|\[(?P<ipv6>[0-9a-f:.]+)\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_MAX_PORT = 65535
_NAMES = TypeAdapter(tuple[str, ...])


def wrong(reason: str = "") -> PydanticCustomError:
    """Return the exception for a check to raise; the reason is a sentence without its subject."""
    return PydanticCustomError("setting", "{reason}", {"reason": reason})


def _with_variable(fault: str) -> str:
    # The library's message names its argument, not the variable.
    return fault.replace("allow_http", "RESOURCE_API_ALLOW_HTTP")


def issuer(value: str, info: ValidationInfo) -> str:
    """Check an issuer: a URL for discovery, or any text if the key set has its own URL."""
    fault = issuer_fault(value, allow_http=info.data.get("allow_http", ()))
    if fault and not info.data.get("jwks_uri"):
        raise wrong(_with_variable(fault))
    if not value.isprintable():
        raise wrong("must not contain control characters")
    return value


def address(value: str, info: ValidationInfo) -> str:
    """Check the URL of a key set."""
    if fault := address_fault(value, allow_http=info.data.get("allow_http", ())):
        raise wrong(_with_variable(fault))
    return value


def audience(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the identifiers of this API."""
    if not value or not all(name.strip() and name.isprintable() for name in value):
        raise wrong("must not contain an empty name or a control character")
    return value


def audience_list(value: object) -> object:
    """Split a comma-separated list, or read a JSON list of strings."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return comma_list(value)
    try:
        return _NAMES.validate_json(value, strict=True)
    except ValidationError:
        raise wrong("begins with a bracket, so it must be a JSON list of strings") from None


def allow_http(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the hosts that may be used without TLS."""
    if faults := allow_http_faults(value):
        joined = "; ".join(fault.removeprefix("allow_http: ") for fault in faults)
        raise wrong(f"must name hosts: {joined}")
    return value


def audience_claim(value: str, info: ValidationInfo) -> str:
    """Check the name of the audience claim, which the profile rfc9068 fixes."""
    if value != "aud" and info.data.get("token_profile") == "rfc9068":
        raise wrong("must be aud if the token profile is rfc9068")
    return value


def claim_paths(value: object) -> object:
    """Split a comma-separated list of claims, and the path into each at `>`."""
    if not isinstance(value, str):
        return value
    return tuple(tuple(map(str.strip, path.split(">"))) for path in value.split(","))


def scope_claims(value: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Check the paths of the claims that hold scopes."""
    if not all(all(path) for path in value):
        raise wrong("must not contain an empty name")
    return value


def cors_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the origins; the message names all wrong ones."""
    if wrong_origins := [shown_address(origin) for origin in value if not _is_origin(origin)]:
        quoted = ", ".join(map(repr, wrong_origins))
        raise wrong(f"must be scheme://host[:port], exactly as browsers send it; wrong: {quoted}")
    return value


def _is_origin(text: str) -> bool:
    """Return whether browsers write it so: lower case, no path, no default port (RFC 6454)."""
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match["port"] or 1) > _MAX_PORT:
        return False
    if (match["scheme"], match["port"]) in (("http", "80"), ("https", "443")):
        return False
    try:
        return match["ipv6"] is None or str(IPv6Address(match["ipv6"])) == match["ipv6"]
    except ValueError:
        return False


def comma_list(value: object) -> object:
    """Split a comma-separated list, without the spaces around its names."""
    return tuple(map(str.strip, value.split(","))) if isinstance(value, str) else value


def lower_case(value: object) -> object:
    """Return the name in lower case."""
    return value.lower() if isinstance(value, str) else value


def algorithms(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the algorithms: known ones, and one for each type of key."""
    if not value or not set(value) <= set(ALGORITHMS):
        raise wrong()
    if rsa_default(value) is None:
        raise wrong("must name RS256 or at most one RS… or PS… algorithm, for keys without alg")
    return value


def grant_types(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check the names of grants."""
    if not all(re.fullmatch(r"[!-+\--~]+", name) for name in value):
        raise wrong("must not contain an empty name or a name with a space")
    return value


def database_url(value: str) -> str:
    """Check a database URL: an SQLite file, or a PostgreSQL server with known options.

    No message quotes the URL, which may hold a password.
    """
    if "\0" in unquote(value):
        raise wrong("must not contain a NUL")
    try:
        url = async_url(value)
    except (ArgumentError, KeyError, ValueError):
        raise wrong() from None  # the cause may quote the password
    if url.get_backend_name() == "sqlite":
        # A database in memory would lose contacts that the API has confirmed.
        path = url.database or ":memory:"
        if path.startswith((":", "file:")) or url != URL.create(url.drivername, database=path):
            raise wrong("must name a file and nothing else")
    elif fault := option_fault(url, value.partition("?")[2]):
        raise wrong(fault)
    elif importlib.util.find_spec("asyncpg") is None:
        raise wrong("needs the package asyncpg, which is not installed")
    return value
