"""What each setting may hold: values to values, or what is wrong with one."""

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
from asgi_bearer.keys import (
    address_fault,
    allow_http_faults,
    issuer_fault,
    shown_address,
)
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
    """What a check raises; the reason is a sentence about the setting, without a subject."""
    return PydanticCustomError("setting", "{reason}", {"reason": reason})


def _with_variable(fault: str) -> str:
    # The library names its own argument.
    return fault.replace("allow_http", "RESOURCE_API_ALLOW_HTTP")


def issuer(value: str, info: ValidationInfo) -> str:
    """An issuer whose keys can be found, or one that is only compared."""
    # What is not discovered need not be a URL; the library says what it must be.
    fault = issuer_fault(value, allow_http=info.data.get("allow_http", ()))
    if fault and not info.data.get("jwks_uri"):
        raise wrong(_with_variable(fault))
    if not value.isprintable():
        raise wrong("must not hold control characters")
    return value


def address(value: str, info: ValidationInfo) -> str:
    """An address that keys may come from."""
    if fault := address_fault(value, allow_http=info.data.get("allow_http", ())):
        raise wrong(_with_variable(fault))
    return value


def audience(value: tuple[str, ...]) -> tuple[str, ...]:
    """Identifiers of this API."""
    if not value or not all(name.strip() and name.isprintable() for name in value):
        raise wrong("must not have an empty name, or a control character in one")
    return value


def audience_list(value: object) -> object:
    """A comma list, or a JSON list of strings: an identifier may hold a comma."""
    if not isinstance(value, str) or not value.lstrip().startswith("["):
        return comma_list(value)
    try:
        return _NAMES.validate_json(value, strict=True)
    except ValidationError:
        raise wrong("must be a JSON list of strings, if it begins with a bracket") from None


def allow_http(value: tuple[str, ...]) -> tuple[str, ...]:
    """Hosts that may be asked without TLS, each by its name."""
    if faults := allow_http_faults(value):
        named = "; ".join(fault.removeprefix("allow_http: ") for fault in faults)
        raise wrong(f"must name hosts: {named}")
    return value


def audience_claim(value: str, info: ValidationInfo) -> str:
    """A claim that the token profile leaves free."""
    if value != "aud" and info.data.get("token_profile") == "rfc9068":
        raise wrong("must be aud with the token profile rfc9068")
    return value


def claim_paths(value: object) -> object:
    """The claims in a comma list, each with the way into it."""
    if not isinstance(value, str):
        return value
    return tuple(tuple(map(str.strip, path.split(">"))) for path in value.split(","))


def scope_claims(value: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Claims that have names."""
    if not all(all(path) for path in value):
        raise wrong("must not have an empty name")
    return value


def cors_origins(value: tuple[str, ...]) -> tuple[str, ...]:
    """Exact origins; all that are none are named."""
    if faults := [shown_address(origin) for origin in value if not _is_origin(origin)]:
        shown = ", ".join(map(repr, faults))
        raise wrong(f"must be as browsers send it, scheme://host[:port]; wrong: {shown}")
    return value


def _is_origin(text: str) -> bool:
    """Whether a browser sends it like that: lower case, no path, no default port (RFC 6454)."""
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
    """The names in a comma list, without the spaces around them."""
    return tuple(map(str.strip, value.split(","))) if isinstance(value, str) else value


def lower_case(value: object) -> object:
    """The same name, however it is written."""
    return value.lower() if isinstance(value, str) else value


def algorithms(value: tuple[str, ...]) -> tuple[str, ...]:
    """Algorithms that the library has, and that leave one to each key."""
    if not value or not set(value) <= set(ALGORITHMS):
        raise wrong()
    if rsa_default(value) is None:
        raise wrong("of RS… and PS… must name RS256 or only one, for keys that name no alg")
    return value


def grant_types(value: tuple[str, ...]) -> tuple[str, ...]:
    """Names of grants."""
    if not all(re.fullmatch(r"[!-+\--~]+", name) for name in value):
        raise wrong("must not have an empty name or a space in one")
    return value


def database_url(value: str) -> str:
    """A file, or a PostgreSQL server with options that are understood; no fault quotes it."""
    if "\0" in unquote(value):
        raise wrong("must not hold a NUL")
    try:
        url = async_url(value)
    except (ArgumentError, KeyError, ValueError):
        raise wrong() from None  # the cause may hold the password
    if url.get_backend_name() == "sqlite":
        # A database in memory would lose what was acknowledged.
        path = url.database or ":memory:"
        if path.startswith((":", "file:")) or url != URL.create(url.drivername, database=path):
            raise wrong("must name a file and nothing else")
    elif fault := option_fault(url, value.partition("?")[2]):
        raise wrong(fault)
    elif importlib.util.find_spec("asyncpg") is None:
        raise wrong("needs the package asyncpg, which is not installed")
    return value
